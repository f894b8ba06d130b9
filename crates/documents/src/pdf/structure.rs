//! The tree of tags that assistive technology reads.
//!
//! Laying out fills the tree with roles in reading order; drawing hangs the
//! pieces of page content on them. Kept apart from `krilla`'s own tree because
//! a role is known before its content is drawn, and content of one paragraph
//! may stand on two pages.

use std::num::NonZeroU16;

use krilla::geom::Rect;
use krilla::tagging::{
    BBox, Identifier, ListNumbering, Node as PdfNode, TableHeaderScope, Tag, TagGroup, TagKind, TagTree,
};

/// What a piece of content is.
#[derive(Debug, Clone)]
pub(super) enum Role {
    Section,
    Heading {
        level: u16,
        title: String,
    },
    Paragraph,
    List {
        ordered: bool,
    },
    Item,
    Label,
    Body,
    Table,
    Head,
    Rows,
    Row,
    ColumnTitle,
    RowTitle,
    Cell,
    /// A picture with the words read in its place, its page and its frame.
    Figure {
        alt: String,
        page: usize,
        frame: Rect,
    },
}

/// Place of a role in the tree.
pub(super) type NodeId = usize;

enum Child {
    Node(NodeId),
    Leaf(Identifier),
}

struct Node {
    role: Role,
    children: Vec<Child>,
}

/// Roles in reading order.
pub(super) struct Tree {
    nodes: Vec<Node>,
    roots: Vec<NodeId>,
}

impl Tree {
    pub(super) fn new() -> Tree {
        Tree { nodes: Vec::new(), roots: Vec::new() }
    }

    /// Adds a role under `parent`, or at the top.
    pub(super) fn add(&mut self, parent: Option<NodeId>, role: Role) -> NodeId {
        let id = self.nodes.len();
        self.nodes.push(Node { role, children: Vec::new() });
        match parent {
            Some(parent) => self.nodes[parent].children.push(Child::Node(id)),
            None => self.roots.push(id),
        }
        id
    }

    /// Hangs drawn content on a role.
    pub(super) fn hang(&mut self, node: NodeId, content: Identifier) {
        self.nodes[node].children.push(Child::Leaf(content));
    }

    /// The tree as the PDF writer takes it.
    pub(super) fn into_tags(mut self, language: &str) -> TagTree {
        let mut tree = TagTree::new().with_lang(Some(language.to_owned()));
        for root in std::mem::take(&mut self.roots) {
            tree.push(self.group(root));
        }
        tree
    }

    // The tree is at most five deep (table, rows, row, cell), so recursion is safe.
    fn group(&mut self, id: NodeId) -> TagGroup {
        let children = std::mem::take(&mut self.nodes[id].children);
        let children = children
            .into_iter()
            .map(|child| match child {
                Child::Node(id) => PdfNode::Group(self.group(id)),
                Child::Leaf(content) => PdfNode::Leaf(content),
            })
            .collect();
        TagGroup::with_children(tag(&self.nodes[id].role), children)
    }
}

fn tag(role: &Role) -> TagKind {
    match role {
        Role::Section => Tag::Section.into(),
        Role::Heading { level, title } => {
            let level = NonZeroU16::new(*level).unwrap_or(NonZeroU16::MIN);
            Tag::Hn(level, Some(title.clone())).into()
        }
        Role::Paragraph => Tag::P.into(),
        Role::List { ordered: true } => Tag::L(ListNumbering::Decimal).into(),
        Role::List { ordered: false } => Tag::L(ListNumbering::Disc).into(),
        Role::Item => Tag::LI.into(),
        Role::Label => Tag::Lbl.into(),
        Role::Body => Tag::LBody.into(),
        Role::Table => Tag::Table.into(),
        Role::Head => Tag::THead.into(),
        Role::Rows => Tag::TBody.into(),
        Role::Row => Tag::TR.into(),
        Role::ColumnTitle => Tag::TH(TableHeaderScope::Column).into(),
        Role::RowTitle => Tag::TH(TableHeaderScope::Row).into(),
        Role::Cell => Tag::TD.into(),
        Role::Figure { alt, page, frame } => {
            Tag::Figure(Some(alt.clone())).with_bbox(Some(BBox::new(*page, *frame))).into()
        }
    }
}
