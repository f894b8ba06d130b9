//! Letters and acts written from templates that officers edit themselves.
//!
//! A template is text with `{{ names }}`, conditions and loops (minijinja) whose
//! variables are declared on top, and light marks for headings, lists and bold.
//! It is filled with data, then turned into blocks of a paper. Templates are
//! data of strangers: no file can be included, and work and output are bounded.
//!
//! ```text
//! ---
//! title: Risposta a istanza
//! variable recipient: Destinatario
//! variable days: Giorni concessi = 30
//! ---
//! # Oggetto: {{ subject }}
//! Gentile **{{ recipient }}**, ha {{ days }} giorni.
//! - primo
//! ```

use std::collections::BTreeMap;

use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value};

use crate::pdf::{Block, Run, Text};

/// Largest template, in bytes.
const TEMPLATE: usize = 256 * 1024;

/// Steps a template may take, so that a loop over a loop ends.
const FUEL: u64 = 500_000;

/// A variable that a template asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name in the template.
    pub name: String,
    /// What the officer sees beside the field.
    pub label: String,
    /// What it is when left empty; without it the variable is mandatory.
    pub default: Option<String>,
}

/// A template that can be filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its title.
    pub title: String,
    /// Its variables, in the order declared.
    pub variables: Vec<Variable>,
    /// Lines before the body, to count lines as the officer sees them.
    offset: usize,
    body: String,
}

/// What is wrong with a template or with the data for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterError {
    /// Key of the message (`err-<code>`).
    pub code: &'static str,
    /// The variable concerned.
    pub field: Option<String>,
    /// The line of the template, from 1.
    pub line: Option<usize>,
    /// What the engine says; for people who write templates.
    pub detail: String,
}

impl LetterError {
    fn new(code: &'static str, field: Option<&str>, line: Option<usize>, detail: impl Into<String>) -> Self {
        LetterError { code, field: field.map(str::to_owned), line, detail: detail.into() }
    }
}

impl std::fmt::Display for LetterError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(field) = &self.field {
            write!(f, " {field}")?;
        }
        if let Some(line) = self.line {
            write!(f, " (line {line})")?;
        }
        write!(f, ": {}", self.detail)
    }
}

impl std::error::Error for LetterError {}

impl Template {
    /// Reads a template and checks that it uses only what it declares.
    ///
    /// # Errors
    /// Every fault found, each with its line: declarations that cannot be read
    /// (`template-declaration`), syntax (`template-syntax`), variables used but
    /// not declared (`template-undeclared`), too long (`too-long`).
    pub fn parse(text: &str) -> Result<Template, Vec<LetterError>> {
        if text.len() > TEMPLATE {
            return Err(vec![LetterError::new("too-long", None, None, "longer than 256 KiB")]);
        }
        let text = text.replace("\r\n", "\n");
        let mut template =
            Template { title: String::new(), variables: Vec::new(), offset: 0, body: text.clone() };
        let mut errors = Vec::new();
        if let Some(rest) = text.strip_prefix("---\n") {
            template.read_head(rest, &mut errors);
        }
        errors.extend(template.faults());
        if errors.is_empty() { Ok(template) } else { Err(errors) }
    }

    fn read_head(&mut self, rest: &str, errors: &mut Vec<LetterError>) {
        let mut consumed = 0;
        for (at, line) in rest.split_inclusive('\n').enumerate() {
            consumed += line.len();
            let number = at + 2;
            let line = line.trim();
            if line == "---" {
                self.offset = number;
                self.body = rest[consumed..].to_owned();
                return;
            }
            match declaration(line) {
                Some(Declaration::Title(title)) => self.title = title,
                Some(Declaration::Variable(it)) if self.variable(&it.name).is_none() => {
                    self.variables.push(it)
                }
                None if line.is_empty() => {}
                _ => errors.push(LetterError::new("template-declaration", None, Some(number), line)),
            }
        }
        errors.push(LetterError::new("template-declaration", None, Some(1), "the closing --- is missing"));
    }

    fn variable(&self, name: &str) -> Option<&Variable> {
        self.variables.iter().find(|v| v.name == name)
    }

    /// Whether a name means something in this template; `range` is the one function.
    fn knows(&self, name: &str) -> bool {
        name == "range" || self.variable(name).is_some()
    }

    fn faults(&self) -> Vec<LetterError> {
        let environment = environment();
        let template = match environment.template_from_str(&self.body) {
            Ok(template) => template,
            Err(error) => return vec![self.located("template-syntax", None, &error)],
        };
        let mut undeclared: Vec<String> =
            template.undeclared_variables(false).into_iter().filter(|n| !self.knows(n)).collect();
        undeclared.sort();
        undeclared
            .iter()
            .map(|name| {
                let line = self.body.lines().position(|l| l.contains(name.as_str()));
                let line = line.map(|l| l + 1 + self.offset);
                LetterError::new("template-undeclared", Some(name), line, "used but not declared")
            })
            .collect()
    }

    fn located(&self, code: &'static str, field: Option<&str>, error: &minijinja::Error) -> LetterError {
        let line = error.line().map(|line| line + self.offset);
        let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
        LetterError::new(code, field, line, detail)
    }

    /// Fills the template: text with light marks, for the live preview.
    ///
    /// # Errors
    /// One error per mandatory variable left empty (`required`), or where the
    /// template failed (`template-failed`).
    pub fn fill(&self, data: &BTreeMap<String, Value>) -> Result<String, Vec<LetterError>> {
        let mut values = BTreeMap::new();
        let mut missing = Vec::new();
        for variable in &self.variables {
            let given = data.get(&variable.name).filter(|v| !is_blank(v)).cloned();
            match given.or_else(|| variable.default.clone().map(Value::from)) {
                Some(value) => {
                    values.insert(variable.name.clone(), value);
                }
                None => {
                    missing.push(LetterError::new("required", Some(&variable.name), None, "no value given"))
                }
            }
        }
        if !missing.is_empty() {
            return Err(missing);
        }
        environment()
            .render_str(&self.body, Value::from(values))
            .map_err(|error| vec![self.located("template-failed", None, &error)])
    }

    /// Fills the template and turns the text into blocks of a paper.
    ///
    /// # Errors
    /// Those of [`Template::fill`].
    pub fn render(&self, data: &BTreeMap<String, Value>) -> Result<Vec<Block>, Vec<LetterError>> {
        Ok(blocks(&self.fill(data)?))
    }
}

fn is_blank(value: &Value) -> bool {
    value.is_undefined() || value.is_none() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

enum Declaration {
    Title(String),
    Variable(Variable),
}

/// `title: words` or `variable name: label = default`.
fn declaration(line: &str) -> Option<Declaration> {
    if let Some(title) = line.strip_prefix("title:") {
        return Some(Declaration::Title(title.trim().to_owned()));
    }
    let (name, label) = line.strip_prefix("variable ")?.split_once(':')?;
    let name = name.trim();
    let fits = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let (label, default) = match label.split_once('=') {
        Some((label, default)) => (label, Some(default.trim().to_owned())),
        None => (label, None),
    };
    let label = label.trim().to_owned();
    fits.then(|| Declaration::Variable(Variable { name: name.to_owned(), label, default }))
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::empty();
    minijinja_filters(&mut environment);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(32);
    environment
}

/// The few filters and tests that letters need; none touches anything outside.
fn minijinja_filters(environment: &mut Environment<'static>) {
    use minijinja::{filters, functions, tests};
    environment.add_filter("upper", filters::upper);
    environment.add_filter("lower", filters::lower);
    environment.add_filter("title", filters::title);
    environment.add_filter("capitalize", filters::capitalize);
    environment.add_filter("trim", filters::trim);
    environment.add_filter("join", filters::join);
    environment.add_filter("length", filters::length);
    environment.add_filter("default", filters::default);
    environment.add_test("defined", tests::is_defined);
    environment.add_function("range", |end: isize| {
        if end > 1_000 {
            return Err(minijinja::Error::new(ErrorKind::InvalidOperation, "more than 1,000 turns"));
        }
        functions::range(end, None, None)
    });
}

/// Turns text with light marks into blocks: `#` headings, `-` and `1.` lists,
/// `---` a rule, blank lines between paragraphs.
#[must_use]
pub fn blocks(text: &str) -> Vec<Block> {
    let mut out = Vec::new();
    let mut paragraph: Vec<&str> = Vec::new();
    for line in text.lines() {
        let line = line.trim_end();
        let block = marked(line);
        if line.trim().is_empty() || block.is_some() {
            flush(&mut paragraph, &mut out);
        } else {
            paragraph.push(line);
        }
        match (block, out.last_mut()) {
            (Some(Block::List { ordered, items }), Some(Block::List { ordered: before, items: all }))
                if *before == ordered =>
            {
                all.extend(items);
            }
            (Some(block), _) => out.push(block),
            (None, _) => {}
        }
    }
    flush(&mut paragraph, &mut out);
    out
}

fn flush(paragraph: &mut Vec<&str>, out: &mut Vec<Block>) {
    if !paragraph.is_empty() {
        out.push(Block::Paragraph(runs(&paragraph.join("\n"))));
        paragraph.clear();
    }
}

/// A line that is a block by itself.
fn marked(line: &str) -> Option<Block> {
    if line == "---" {
        return Some(Block::Rule);
    }
    let hashes = line.bytes().take_while(|b| *b == b'#').count();
    if (1..=3).contains(&hashes) {
        let text = line[hashes..].strip_prefix(' ')?.trim().to_owned();
        return Some(Block::Heading { level: hashes as u8, text });
    }
    if let Some(item) = line.strip_prefix("- ") {
        return Some(Block::List { ordered: false, items: vec![runs(item)] });
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let item = line.get(digits..)?.strip_prefix(". ")?;
    // A year or an amount at the start of a line is no number of a list.
    (1..=2).contains(&digits).then(|| Block::List { ordered: true, items: vec![runs(item)] })
}

/// Splits words at `**bold**` and `*italic*`; an unclosed mark is just a star.
#[must_use]
pub fn runs(text: &str) -> Text {
    let mut out = Text::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('*') {
        plain.push_str(&rest[..at]);
        let mark = if rest[at..].starts_with("**") { "**" } else { "*" };
        let after = &rest[at + mark.len()..];
        let end = after.find(mark).filter(|end| *end > 0 && !after[..*end].starts_with(' '));
        let Some(end) = end else {
            plain.push_str(mark);
            rest = after;
            continue;
        };
        if !plain.is_empty() {
            out.push(Run::plain(std::mem::take(&mut plain)));
        }
        let inner = &after[..end];
        out.push(if mark == "**" { Run::bold(inner) } else { Run::italic(inner) });
        rest = &after[end + mark.len()..];
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        out.push(Run::plain(plain));
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LETTER: &str = "---\ntitle: Risposta\nvariable recipient: Destinatario\nvariable days: Giorni = 30\n---\n\
        # Riscontro\nGentile **{{ recipient }}**,\nha *{{ days }}* giorni.\n\n- uno\n- due\n---\n1. primo\n";

    fn data(pairs: &[(&str, &str)]) -> BTreeMap<String, Value> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), Value::from(*v))).collect()
    }

    #[test]
    fn a_letter_is_filled_and_laid_in_blocks() {
        let template = Template::parse(LETTER).unwrap();
        assert_eq!((template.title.as_str(), template.variables.len()), ("Risposta", 2));
        let blocks = template.render(&data(&[("recipient", "Prova Uno")])).unwrap();
        assert!(matches!(&blocks[0], Block::Heading { level: 1, text } if text == "Riscontro"));
        let Block::Paragraph(words) = &blocks[1] else { panic!("{blocks:?}") };
        assert_eq!(words[1], Run::bold("Prova Uno"));
        assert_eq!(words[3], Run::italic("30"));
        assert!(matches!(&blocks[2], Block::List { ordered: false, items } if items.len() == 2));
        assert!(matches!(&blocks[3], Block::Rule));
        assert!(matches!(&blocks[4], Block::List { ordered: true, .. }));
    }

    #[test]
    fn a_missing_value_is_named() {
        let errors = Template::parse(LETTER).unwrap().render(&data(&[("recipient", "  ")])).unwrap_err();
        assert_eq!((errors[0].code, errors[0].field.as_deref()), ("required", Some("recipient")));
    }

    #[test]
    fn an_undeclared_variable_is_found_with_its_line() {
        let errors = Template::parse("---\nvariable a: A\n---\n{{ a }}\n{{ bee }}\n").unwrap_err();
        assert_eq!((errors[0].field.as_deref(), errors[0].line), (Some("bee"), Some(5)));
    }

    #[test]
    fn faults_have_their_line() {
        let errors = Template::parse("---\nvariable a: A\n---\nuno\n{% if a %}\n").unwrap_err();
        assert_eq!(errors[0].code, "template-syntax");
        assert!(errors[0].line.unwrap() >= 5, "{errors:?}");
        let errors = Template::parse("---\nvariable A b: A\n---\n").unwrap_err();
        assert_eq!((errors[0].code, errors[0].line), ("template-declaration", Some(2)));
        let errors = Template::parse("---\ntitle: x\n").unwrap_err();
        assert_eq!(errors[0].code, "template-declaration");
    }

    #[test]
    fn endless_work_is_stopped() {
        let text = "{% for i in range(1000) %}{% for j in range(1000) %}x{% endfor %}{% endfor %}";
        let errors = Template::parse(text)
            .map_err(|e| e[0].code)
            .and_then(|t| t.fill(&data(&[])).map_err(|e| e[0].code));
        assert_eq!(errors, Err("template-failed"));
    }

    #[test]
    fn data_cannot_become_a_template() {
        let template = Template::parse("---\nvariable a: A\n---\n{{ a }}").unwrap();
        assert_eq!(template.fill(&data(&[("a", "{{ 7 * 7 }}")])).unwrap(), "{{ 7 * 7 }}");
    }

    #[test]
    fn other_files_cannot_be_included() {
        let outcome = Template::parse("{% include '/etc/passwd' %}").map(|t| t.fill(&data(&[])));
        assert!(!matches!(outcome, Ok(Ok(_))));
    }

    proptest! {
        #[test]
        fn any_template_is_read_or_refused(text in "[-{}%#*a-z \\n:=]{0,200}") {
            if let Ok(template) = Template::parse(&text) {
                let _ = template.render(&BTreeMap::new());
            }
        }

        #[test]
        fn marks_never_lose_words(text in "[*a-z ]{0,60}") {
            let kept: String = runs(&text).iter().map(|r| r.text.replace('*', "")).collect();
            prop_assert_eq!(kept, text.replace('*', ""));
        }
    }
}
