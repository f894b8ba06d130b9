//! Tables: columns by weight, titles again on every page, rows kept whole.
//!
//! Only the first printing of the titles belongs to the tag tree; the later
//! ones are decoration, or a screen reader would read them in the middle of the
//! rows. A row taller than a page is continued on the next one.

use krilla::tagging::ArtifactType;

use super::fonts::cells;
use super::layout::{Composer, LEADING, Owner, Shape, bar, cells_or_blank};
use super::lines::{Line, break_lines};
use super::model::{Align, Run, Table, Text};
use super::structure::{NodeId, Role};

/// Places and widths of the columns, in points.
struct Grid {
    lefts: Vec<f32>,
    widths: Vec<f32>,
    aligns: Vec<Align>,
    size: f32,
    pad: f32,
}

impl Grid {
    fn new(composer: &Composer, columns: &[(f32, Align)]) -> Grid {
        let total: f32 = columns.iter().map(|(weight, _)| weight.max(0.1)).sum();
        let mut left = composer.frame.margin;
        let mut grid = Grid {
            lefts: Vec::new(),
            widths: Vec::new(),
            aligns: columns.iter().map(|(_, align)| *align).collect(),
            size: composer.frame.body * 0.9,
            pad: composer.frame.body * 0.35,
        };
        for (weight, _) in columns {
            let width = composer.width() * weight.max(0.1) / total;
            grid.lefts.push(left);
            grid.widths.push(width);
            left += width;
        }
        grid
    }

    fn room(&self, column: usize) -> f32 {
        (self.widths[column] - 2.0 * self.pad).max(self.size)
    }

    fn break_cell(&self, column: usize, text: &Text) -> Vec<Line> {
        break_lines(&cells_or_blank(text), self.room(column) / self.size)
    }

    fn line_height(&self) -> f32 {
        self.size * LEADING
    }

    fn height(&self, lines: usize) -> f32 {
        lines as f32 * self.line_height() + 2.0 * self.pad
    }
}

/// One row broken into lines, with the role of each cell.
struct Row {
    cells: Vec<(NodeId, Vec<Line>)>,
}

impl Row {
    fn lines(&self) -> usize {
        self.cells.iter().map(|(_, lines)| lines.len()).max().unwrap_or(0)
    }
}

/// Places a table with column titles.
pub(super) fn place(composer: &mut Composer, table: &Table) {
    if table.columns.is_empty() {
        return;
    }
    let columns: Vec<_> = table.columns.iter().map(|c| (c.weight, c.align)).collect();
    let grid = Grid::new(composer, &columns);
    let titles: Vec<Text> = table.columns.iter().map(|c| vec![Run::bold(c.title.as_str())]).collect();
    let head_lines = (0..titles.len()).map(|at| grid.break_cell(at, &titles[at]).len()).max().unwrap_or(1);
    let head_height = grid.height(head_lines);

    let root = composer.tree.add(None, Role::Table);
    let head = composer.tree.add(Some(root), Role::Head);
    composer.need(head_height + grid.height(2));
    let row = row_of(composer, &grid, head, &titles, |_| Role::ColumnTitle);
    draw_head(composer, &grid, row, head_height, true);

    let mut body = None;
    for texts in &table.rows {
        let body = *body.get_or_insert_with(|| composer.tree.add(Some(root), Role::Rows));
        let row = row_of(composer, &grid, body, texts, |_| Role::Cell);
        let height = grid.height(row.lines());
        if !composer.fits(height) && height + head_height <= composer.full_height() {
            composer.new_page();
            repeat_head(composer, &grid, &titles, head_height);
        }
        draw_row(composer, &grid, row, |composer| {
            repeat_head(composer, &grid, &titles, head_height);
        });
    }
    composer.y += grid.size * 0.6;
}

/// Places names and values as a table whose rows have titles.
pub(super) fn place_pairs(composer: &mut Composer, pairs: &[(String, Text)]) {
    if pairs.is_empty() {
        return;
    }
    let grid = Grid::new(composer, &[(0.32, Align::Left), (0.68, Align::Left)]);
    let root = composer.tree.add(None, Role::Table);
    let body = composer.tree.add(Some(root), Role::Rows);
    for (name, value) in pairs {
        let texts = [vec![Run::bold(name.as_str())], value.clone()];
        let role = |at| if at == 0 { Role::RowTitle } else { Role::Cell };
        let row = row_of(composer, &grid, body, &texts, role);
        composer.need(grid.height(row.lines()).min(composer.full_height()));
        draw_row(composer, &grid, row, |_| {});
    }
    composer.y += grid.size * 0.6;
}

fn row_of(
    composer: &mut Composer,
    grid: &Grid,
    parent: NodeId,
    texts: &[Text],
    role: impl Fn(usize) -> Role,
) -> Row {
    let row = composer.tree.add(Some(parent), Role::Row);
    let blank = Text::new();
    let cells = (0..grid.widths.len())
        .map(|at| {
            let node = composer.tree.add(Some(row), role(at));
            (node, grid.break_cell(at, texts.get(at).unwrap_or(&blank)))
        })
        .collect();
    Row { cells }
}

fn draw_head(composer: &mut Composer, grid: &Grid, row: Row, height: f32, tagged: bool) {
    let layout = Owner::Artifact(ArtifactType::Layout);
    let (x, y, width) = (composer.frame.margin, composer.y, composer.width());
    composer.put(layout, bar(x, y, width, height, 235).into_iter().collect());
    for (column, (node, lines)) in row.cells.into_iter().enumerate() {
        let owner = if tagged { Owner::Node(node) } else { Owner::Artifact(ArtifactType::PaginationOther) };
        composer.y = y + grid.pad;
        draw_lines(composer, grid, column, owner, lines);
    }
    composer.y = y + height;
}

/// Titles on a following page: drawn, but not in the tree.
fn repeat_head(composer: &mut Composer, grid: &Grid, titles: &[Text], height: f32) {
    let untagged = titles.iter().enumerate().map(|(at, title)| {
        let letters = cells(title);
        (0, break_lines(&letters, grid.room(at) / grid.size))
    });
    let row = Row { cells: untagged.collect() };
    draw_head(composer, grid, row, height, false);
}

/// Draws a row, going on to further pages while lines are left.
fn draw_row(composer: &mut Composer, grid: &Grid, row: Row, on_new_page: impl Fn(&mut Composer)) {
    let mut left = row.lines();
    let mut columns: Vec<_> = row.cells.into_iter().map(|(node, lines)| (node, lines.into_iter())).collect();
    while left > 0 {
        let mut count = left;
        while count > 1 && !composer.fits(grid.height(count)) {
            count -= 1;
        }
        let (x, y, width) = (composer.frame.margin, composer.y, composer.width());
        for (column, (node, lines)) in columns.iter_mut().enumerate() {
            composer.y = y + grid.pad;
            let part: Vec<Line> = lines.by_ref().take(count).collect();
            draw_lines(composer, grid, column, Owner::Node(*node), part);
        }
        composer.y = y + grid.height(count);
        let rule = bar(x, composer.y, width, 0.4, 170).into_iter().collect();
        composer.put(Owner::Artifact(ArtifactType::Layout), rule);
        left -= count;
        if left > 0 {
            composer.new_page();
            on_new_page(composer);
        }
    }
}

fn draw_lines(composer: &mut Composer, grid: &Grid, column: usize, owner: Owner, lines: Vec<Line>) {
    let (left, room) = (grid.lefts[column] + grid.pad, grid.room(column));
    let mut shapes: Vec<Shape> = Vec::new();
    for line in lines {
        shapes.extend(composer.line_at(line, left, grid.size, grid.aligns[column], room));
        composer.y += grid.line_height();
    }
    if !shapes.is_empty() {
        composer.put(owner, shapes);
    }
}
