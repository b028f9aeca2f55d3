//! Which labels an entry asks for, and how specific an entry is.

use super::Reader;
use crate::manifest::image_list::{Demand, Operator, Selector};
use crate::manifest::problem::Rule;
use crate::manifest::yaml::NodeRef;

impl<'a> Reader<'_> {
    pub(super) fn selector(&mut self, node: NodeRef<'a>) -> Selector {
        let mut selector = Selector {
            is_broken: self.check_keys(node, &["matchLabels", "matchExpressions"]).is_some(),
            demands: Vec::new(),
        };
        for (key, value) in node.get("matchLabels").into_iter().flat_map(|labels| labels.resolved().entries()) {
            let (Some(key), Some(value)) = (key.text(), value.resolved().text()) else { continue };
            selector.demands.push(Demand {
                key: key.to_owned(),
                values: vec![value.to_owned()],
                operator: Operator::In,
            });
        }
        for expression in node.get("matchExpressions").into_iter().flat_map(|list| list.resolved().items()) {
            let expression = expression.resolved();
            let values: Vec<String> = expression
                .get("values")
                .into_iter()
                .flat_map(|list| list.resolved().items())
                .filter_map(|value| value.resolved().text().map(str::to_owned))
                .collect();
            let (operator, needs_values) = match expression.get_text("operator") {
                Some("In") => (Operator::In, true),
                Some("NotIn") => (Operator::NotIn, true),
                Some("Exists") => (Operator::Exists, false),
                Some("DoesNotExist") => (Operator::DoesNotExist, false),
                _ => {
                    let message = "this expression has no `operator` that is one, so that nothing is selected";
                    self.error(
                        Rule::InvalidValue,
                        expression,
                        message,
                        "write `In`, `NotIn`, `Exists` or `DoesNotExist`",
                    );
                    selector.is_broken = true;
                    continue;
                }
            };
            let key = expression.get_text("key").unwrap_or_default().to_owned();
            if key.is_empty() || needs_values == values.is_empty() {
                let message = "this expression lacks its `key` or its `values`, or has `values` too many, so that nothing is selected";
                self.error(
                    Rule::InvalidValue,
                    expression,
                    message,
                    "`In` and `NotIn` have values, `Exists` and `DoesNotExist` have none",
                );
                selector.is_broken = true;
                continue;
            }
            selector.demands.push(Demand { key, values, operator });
        }
        selector
    }
}

/// How specific an entry is: a name without wildcards is more so than anything else, then come a selector, what
/// it asks for, and the letters of the pattern.
pub(super) fn specificity(pattern: &str, entry: NodeRef<'_>) -> usize {
    let mut letters = 0;
    let mut rest = pattern;
    while let Some((open, c)) = rest.char_indices().find(|(_, c)| matches!(c, '[' | '*' | '?')) {
        letters += open;
        rest = &rest[open + 1..];
        // A class counts for nothing, if it ends.
        if c == '[' {
            match rest.find(']') {
                Some(close) => rest = &rest[close + 1..],
                None => letters += 1,
            }
        }
    }
    letters += rest.len();
    let exact = if pattern.contains(['*', '?', '[', ']']) { 0 } else { 1_000_000 };
    let selector = entry.get("labelSelectors").filter(|node| !node.is_null()).map_or(0, |selector| {
        let count = |key: &str| selector.resolved().get(key).map(NodeRef::resolved);
        let labels = count("matchLabels").map_or(0, |labels| labels.entries().count());
        let expressions = count("matchExpressions").map_or(0, |list| list.items().count());
        10_000 + 100 * (labels + expressions)
    });
    exact + selector + letters
}
