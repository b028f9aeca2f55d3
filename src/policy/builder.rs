//! A policy in the making, and whether its parts go together. Knows nothing of tags.

use super::{
    By, Exclude, Extract, InvalidExtract, MinAge, Order, Pattern, PatternKind, Policy, Prerelease, Versions, Within,
};

/// A policy in the making.
#[derive(Debug, Clone)]
pub struct PolicyBuilder {
    pattern: Pattern,
    order: Option<Order>,
    extract: Option<Box<str>>,
    exclude: Exclude,
    constraint: Option<Pattern>,
    within: Option<Within>,
    prerelease: Prerelease,
    versions: Option<Versions>,
    min_age: Option<MinAge>,
    allow_downgrade: bool,
    preset: Option<Box<str>>,
}

/// Parts that make no policy together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPolicy {
    /// The extract does not fit the pattern.
    #[error(transparent)]
    Extract(#[from] InvalidExtract),
    /// `within` beside an order that compares no versions.
    #[error("within {within} compares versions, and the order is {order}; set the order to semver, or remove within")]
    Within {
        /// How far an update may go.
        within: Within,
        /// The order that holds.
        order: Order,
    },
    /// A wish for pre-releases beside an order that compares no versions.
    #[error(
        "prerelease {prerelease} compares versions, and the order is {order}; set the order to semver, or remove it"
    )]
    Prerelease {
        /// Which ones are wanted.
        prerelease: Prerelease,
        /// The order that holds.
        order: Order,
    },
    /// A constraint that compares no versions.
    #[error("the constraint {constraint} compares versions, and the order is {order}; set the order to semver")]
    Constraint {
        /// The constraint.
        constraint: String,
        /// The order that holds.
        order: Order,
    },
}

impl PolicyBuilder {
    /// Begins with a pattern.
    pub(super) fn new(pattern: Pattern) -> Self {
        Self {
            pattern,
            order: None,
            extract: None,
            exclude: Exclude::none(),
            constraint: None,
            within: None,
            prerelease: Prerelease::AsAsked,
            versions: None,
            min_age: None,
            allow_downgrade: false,
            preset: None,
        }
    }

    /// Begins with the parts of `policy`.
    #[must_use]
    pub fn from_policy(policy: &Policy) -> Self {
        Self {
            pattern: policy.pattern.clone(),
            order: policy.order,
            extract: policy.extract.as_ref().map(|extract| extract.to_string().into()),
            exclude: policy.exclude.clone(),
            constraint: policy.constraint.clone(),
            within: policy.within,
            prerelease: policy.prerelease,
            versions: policy.versions,
            min_age: policy.min_age,
            allow_downgrade: policy.allow_downgrade,
            preset: policy.preset.clone(),
        }
    }

    /// States the order.
    #[must_use]
    pub fn order(mut self, order: Order) -> Self {
        self.order = Some(order);
        self
    }

    /// States which part of the tag is compared; it is checked by [`build`](Self::build).
    #[must_use]
    pub fn extract(mut self, template: &str) -> Self {
        self.extract = Some(template.into());
        self
    }

    /// States which tags are never wanted.
    #[must_use]
    pub fn exclude(mut self, exclude: Exclude) -> Self {
        self.exclude = exclude;
        self
    }

    /// States which versions are wanted, where the pattern says no more than where in the tag the version
    /// stands: a semver pattern beside a regex. Needs the order `semver`.
    #[must_use]
    pub fn constraint(mut self, versions: Pattern) -> Self {
        self.constraint = Some(versions);
        self
    }

    /// Limits how far from the current version an update may go.
    #[must_use]
    pub fn within(mut self, within: Within) -> Self {
        self.within = Some(within);
        self
    }

    /// States which pre-releases are wanted.
    #[must_use]
    pub fn prerelease(mut self, prerelease: Prerelease) -> Self {
        self.prerelease = prerelease;
        self
    }

    /// States what counts as a version.
    #[must_use]
    pub fn versions(mut self, versions: Versions) -> Self {
        self.versions = Some(versions);
        self
    }

    /// States how long a tag has to be there before it is taken.
    #[must_use]
    pub fn min_age(mut self, min_age: MinAge) -> Self {
        self.min_age = Some(min_age).filter(|min_age| !min_age.is_nothing());
        self
    }

    /// Says whether an older tag than the current one may be chosen.
    #[must_use]
    pub fn allow_downgrade(mut self, allow: bool) -> Self {
        self.allow_downgrade = allow;
        self
    }

    /// Names the preset that this is made from.
    #[must_use]
    pub fn preset(mut self, name: &str) -> Self {
        self.preset = Some(name.into());
        self
    }

    /// Finishes the policy.
    ///
    /// # Errors
    /// [`InvalidPolicy`] when the extract does not fit the pattern, or `within`, `prerelease` or the constraint
    /// the order.
    pub fn build(self) -> Result<Policy, InvalidPolicy> {
        let extract = self.extract.map(|template| Extract::parse(&template, &self.pattern)).transpose()?;
        let order = self.order.unwrap_or_else(|| Order::default_for(&self.pattern));
        let family_decides = self.order.is_none() && self.pattern.kind().is_none();
        if let Some(within) = self.within.filter(|_| order.by != By::Semver && !family_decides) {
            return Err(InvalidPolicy::Within { within, order });
        }
        if self.prerelease != Prerelease::AsAsked && order.by != By::Semver && !family_decides {
            return Err(InvalidPolicy::Prerelease { prerelease: self.prerelease, order });
        }
        if let Some(constraint) = &self.constraint
            && (order.by != By::Semver || constraint.kind() != Some(PatternKind::Semver))
        {
            return Err(InvalidPolicy::Constraint { constraint: constraint.to_string(), order });
        }
        Ok(Policy {
            pattern: self.pattern,
            order: self.order,
            extract,
            exclude: self.exclude,
            constraint: self.constraint,
            within: self.within,
            prerelease: self.prerelease,
            versions: self.versions,
            min_age: self.min_age,
            allow_downgrade: self.allow_downgrade,
            preset: self.preset,
        })
    }
}
