//! Heirs of bodies that ceased, and which body is competent for a function in a place on a date.
//!
//! A body is never renamed in place: what it left, and to whom, is a dated row with the law that says so, and a
//! competence is a dated row too, because functions move between bodies without anyone ceasing. This file only
//! follows such rows; it must not know where they are stored nor what the functions mean.

use crate::body::IpaCode;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// Longest chain of heirs followed: more means that the rows run in a circle.
const CHAIN_MAX: usize = 16;

/// One body took over from another, wholly or for one function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Succession {
    /// The body that ceased or gave the function away.
    pub from: IpaCode,
    /// The heir.
    pub to: IpaCode,
    /// First day on which the heir acts.
    pub since: Date,
    /// The act that says so, in the usual short form.
    pub law: String,
    /// The function that passed; `None` when everything did.
    pub function: Option<String>,
    /// Whether the heir also keeps the archive.
    pub archives: bool,
}

/// Which body does a function in a municipality (or everywhere) between two dates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Competence {
    /// Name of the function, e.g. `forestry_bond`.
    pub function: String,
    /// ISTAT code of the municipality; `None` when the rule holds for the whole territory.
    pub municipality: Option<String>,
    /// The competent body.
    pub body: IpaCode,
    /// First day.
    pub from: Date,
    /// Last day, if it ended.
    pub to: Option<Date>,
    /// The act that says so.
    pub law: String,
}

/// The heirs to propose instead of a body, on a date: those of the function if any row names it, else the
/// general ones; chains are followed to the living heir. Each answer carries the first row of its chain, which
/// cites why `of` itself is no longer the one to write to.
pub fn heirs<'a>(
    rows: &'a [Succession],
    of: &IpaCode,
    on: Date,
    function: Option<&str>,
) -> Vec<(&'a Succession, &'a IpaCode)> {
    step(rows, of, on, function)
        .into_iter()
        .flat_map(|first| follow(rows, first, on, function).into_iter().map(move |last| (first, last)))
        .collect()
}

fn step<'a>(rows: &'a [Succession], of: &IpaCode, on: Date, function: Option<&str>) -> Vec<&'a Succession> {
    let in_force: Vec<_> = rows.iter().filter(|row| &row.from == of && row.since <= on).collect();
    let named: Vec<_> = in_force
        .iter()
        .copied()
        .filter(|r| r.function.is_some() && r.function.as_deref() == function)
        .collect();
    match (named.is_empty(), function) {
        (false, _) => named,
        // Without a function every heir is proposed, so that the clerk sees that the inheritance was split.
        (true, None) => in_force,
        (true, Some(_)) => in_force.into_iter().filter(|row| row.function.is_none()).collect(),
    }
}

fn follow<'a>(
    rows: &'a [Succession],
    first: &'a Succession,
    on: Date,
    function: Option<&str>,
) -> Vec<&'a IpaCode> {
    let mut living = Vec::new();
    let mut open = vec![&first.to];
    for _ in 0..CHAIN_MAX {
        let Some(code) = open.pop() else { break };
        let next = step(rows, code, on, function);
        match next.is_empty() {
            true => living.push(code),
            false => open.extend(next.into_iter().map(|row| &row.to)),
        }
    }
    living
}

/// The row that makes a body competent for a function in a municipality on a date; a row for that municipality
/// wins over a row for the whole territory.
pub fn competent<'a>(
    rows: &'a [Competence],
    function: &str,
    municipality: &str,
    on: Date,
) -> Option<&'a Competence> {
    let fits = |row: &&Competence| {
        row.function == function && row.from <= on && row.to.is_none_or(|last| on <= last)
    };
    let local = rows.iter().filter(fits).find(|row| row.municipality.as_deref() == Some(municipality));
    local.or_else(|| rows.iter().filter(fits).find(|row| row.municipality.is_none()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> IpaCode {
        IpaCode::parse(text).unwrap()
    }

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn row(from: &str, to: &str, since: &str, law: &str, function: Option<&str>) -> Succession {
        Succession {
            from: code(from),
            to: code(to),
            since: day(since),
            law: law.into(),
            function: function.map(str::to_owned),
            archives: function.is_none(),
        }
    }

    #[test]
    fn bodies_scenario_01_heir() {
        let rows = [row("inpdap", "inps", "2012-01-01", "D.L. 201/2011, art. 21", None)];
        let found = heirs(&rows, &code("inpdap"), day("2026-11-23"), None);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].1, &code("inps"));
        assert_eq!(found[0].0.law, "D.L. 201/2011, art. 21");
        assert!(heirs(&rows, &code("inpdap"), day("2010-11-15"), None).is_empty());
    }

    #[test]
    fn bodies_scenario_02_split_heirs() {
        let law = "D.Lgs. 177/2016";
        let rows = [
            row("cfs", "vvf", "2017-01-01", law, Some("forest_fires")),
            row("cfs", "carabinieri", "2017-01-01", law, None),
        ];
        let propose = |function| {
            let found = heirs(&rows, &code("cfs"), day("2026-11-23"), function);
            found.into_iter().map(|(_, heir)| heir.as_str().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(propose(Some("forest_fires")), ["vvf"]);
        assert_eq!(propose(Some("illegal_cut")), ["carabinieri"]);
        assert_eq!(propose(None), ["vvf", "carabinieri"]);
    }

    #[test]
    fn chains_end_at_the_living_heir_and_circles_end() {
        let rows = [row("a", "b", "2000-01-01", "x", None), row("b", "c", "2010-01-01", "y", None)];
        let found = heirs(&rows, &code("a"), day("2026-01-01"), None);
        assert_eq!((found[0].0.law.as_str(), found[0].1), ("x", &code("c")));
        assert_eq!(heirs(&rows, &code("a"), day("2005-01-01"), None)[0].1, &code("b"));
        let circle = [row("a", "b", "2000-01-01", "x", None), row("b", "a", "2010-01-01", "y", None)];
        assert!(heirs(&circle, &code("a"), day("2026-01-01"), None).is_empty());
    }

    #[test]
    fn bodies_scenario_03_territory_by_date() {
        let rule = |body: &str, from: &str, to: Option<&str>| Competence {
            function: "forestry_bond".into(),
            municipality: None,
            body: code(body),
            from: day(from),
            to: to.map(day),
            law: "L.R. 22/2015".into(),
        };
        let rows = [rule("p_po", "2000-01-01", Some("2015-12-31")), rule("uvb", "2016-01-01", None)];
        let at = |date| competent(&rows, "forestry_bond", "100002", day(date)).map(|r| r.body.as_str());
        assert_eq!(at("2015-12-31"), Some("p_po"));
        assert_eq!(at("2026-11-23"), Some("uvb"));
        assert_eq!(at("1999-01-01"), None);
    }
}
