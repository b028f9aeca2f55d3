//! Labels, and which objects they select: `matchLabels` and `matchExpressions`, as Kubernetes has them.
//!
//! Must not know who selects what.

use std::collections::{BTreeMap, BTreeSet};

use super::fields::Fields;
use crate::manifest::problem::{Problem, Rule};
use crate::manifest::yaml::{Kind, NodeRef};

/// The labels of an object.
pub type Labels = BTreeMap<Box<str>, Box<str>>;

/// Which objects are meant, by their labels: those that meet all requirements, all objects where there are none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selector {
    requirements: Vec<Requirement>,
}

/// What the labels of an object must be.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Requirement {
    /// The label is there, with one of these values.
    In(Box<str>, BTreeSet<Box<str>>),
    /// The label has none of these values, or is not there.
    NotIn(Box<str>, BTreeSet<Box<str>>),
    /// The label is there.
    Exists(Box<str>),
    /// The label is not there.
    DoesNotExist(Box<str>),
}

impl Selector {
    /// Whether an object with these labels is meant.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        self.requirements.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => labels.get(key).is_some_and(|value| values.contains(value)),
            Requirement::NotIn(key, values) => labels.get(key).is_none_or(|value| !values.contains(value)),
            Requirement::Exists(key) => labels.contains_key(key),
            Requirement::DoesNotExist(key) => !labels.contains_key(key),
        })
    }

    /// The selector at this path.
    pub(super) fn read(fields: &Fields<'_, '_>, path: &str) -> Result<Self, Problem> {
        fields.check_known(path, &["matchLabels", "matchExpressions"], true)?;
        let labels = fields.get(&format!("{path}.matchLabels"))?;
        let mut requirements = labels.map(|labels| match_labels(fields, path, labels)).transpose()?.unwrap_or_default();
        if let Some(expressions) = fields.get(&format!("{path}.matchExpressions"))? {
            if expressions.kind() != Kind::Sequence {
                let reason = format!("`{path}.matchExpressions` is no list");
                return Err(fields.broken(Rule::InvalidValue, expressions, &reason, "write a list of expressions"));
            }
            for expression in expressions.items() {
                requirements.push(Requirement::read(fields, path, expression.resolved())?);
            }
        }
        Ok(Self { requirements })
    }

    /// The selector that is made of a mapping of labels alone.
    pub(super) fn of_labels<'a>(fields: &Fields<'a, '_>, path: &str, labels: NodeRef<'a>) -> Result<Self, Problem> {
        Ok(Self { requirements: match_labels(fields, path, labels)? })
    }
}

fn match_labels<'a>(fields: &Fields<'a, '_>, path: &str, labels: NodeRef<'a>) -> Result<Vec<Requirement>, Problem> {
    let labels = labels.resolved();
    let path = format!("{path}.matchLabels");
    if labels.kind() != Kind::Mapping || labels.get("<<").is_some() {
        let reason = format!("`{path}` is no mapping of labels");
        return Err(fields.broken(Rule::InvalidValue, labels, &reason, "write labels below it, each with its value"));
    }
    let requirement = |(key, value): (NodeRef<'a>, NodeRef<'a>)| {
        let (key, value) = (fields.text_at(&path, key)?, fields.text_at(&path, value)?);
        Ok(Requirement::In(key.text.into(), BTreeSet::from([value.text.into()])))
    };
    labels.entries().map(requirement).collect()
}

impl Requirement {
    fn read<'a>(fields: &Fields<'a, '_>, path: &str, expression: NodeRef<'a>) -> Result<Self, Problem> {
        let path = format!("{path}.matchExpressions");
        let wrong = |node, reason: String, mend: &str| fields.broken(Rule::InvalidValue, node, &reason, mend);
        let Some(key) = expression.get("key") else {
            return Err(wrong(
                expression,
                format!("an item of `{path}` has no `key`"),
                "write the label that is meant",
            ));
        };
        let key: Box<str> = fields.text_at(&path, key)?.text.into();
        let values = expression.get("values").map(NodeRef::resolved);
        let said = values.into_iter().flat_map(NodeRef::items);
        let said = said.map(|value| Ok(fields.text_at(&path, value)?.text.into()));
        let said: BTreeSet<Box<str>> = said.collect::<Result<_, Problem>>()?;
        match (expression.get_text("operator"), said.is_empty()) {
            (Some("In"), false) => Ok(Self::In(key, said)),
            (Some("NotIn"), false) => Ok(Self::NotIn(key, said)),
            (Some("Exists"), true) => Ok(Self::Exists(key)),
            (Some("DoesNotExist"), true) => Ok(Self::DoesNotExist(key)),
            (Some(operator @ ("In" | "NotIn")), true) => {
                Err(wrong(expression, format!("`operator: {operator}` in `{path}` has no `values`"), "write some"))
            }
            (Some(operator @ ("Exists" | "DoesNotExist")), false) => {
                Err(wrong(expression, format!("`operator: {operator}` in `{path}` takes no `values`"), "remove them"))
            }
            (operator, _) => {
                let reason = format!("`operator: {}` in `{path}` is none", operator.unwrap_or_default());
                Err(wrong(expression, reason, "write `In`, `NotIn`, `Exists` or `DoesNotExist`"))
            }
        }
    }
}

/// The labels in the metadata of an object. What is no text is none.
pub(super) fn labels_of(object: NodeRef<'_>) -> Labels {
    let labels = object.get("metadata").and_then(|metadata| metadata.resolved().get("labels")).map(NodeRef::resolved);
    let text = |node: NodeRef<'_>| node.resolved().text().map(Box::from);
    labels.into_iter().flat_map(NodeRef::entries).filter_map(|(key, value)| Some((text(key)?, text(value)?))).collect()
}
