//! The names that configuration may refer to: they depend on no seed, and their ids never change.
//!
//! | what | where | id |
//! |---|---|---|
//! | department `Field Engineering`, `Design`, `Data Platform`, `Finance`, `People Operations`, `Sales`, `Customer Success`, `Security` | [`DEPARTMENTS`] | a Graph group, an Okta group, a Slack channel, a cost centre and a supervisory organisation each |
//! | Okta groups `Everyone`, `contractors`, `contractors-us`, `contractors-mx`, `contractors-in`, `engineering` | [`OKTA_GROUPS`] | `00g...` |
//! | Slack channels `general`, `contractors` | [`SLACK_CHANNELS`] | `C...` |
//! | Intune configurations `Contractor baseline`, `Employee baseline` | [`DEVICE_CONFIGURATIONS`] | GUID |
//! | Intune compliance policy, Intune apps | [`COMPLIANCE_POLICIES`], [`MOBILE_APPS`] | GUID |
//! | `ServiceNow` catalog items `Developer Laptop`, `Standard Laptop`, `Mobile Phone` | [`CATALOG_ITEMS`] | `sys_id` |

/// One department in every system that knows departments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Department {
    /// As Workday and Okta write it.
    pub name: &'static str,
    /// As groups and channels are named.
    pub slug: &'static str,
    /// The Graph group of its people, a GUID.
    pub group_id: &'static str,
    /// The Okta group named `slug`.
    pub okta_group_id: &'static str,
    /// The Slack channel named `slug`.
    pub slack_channel_id: &'static str,
    /// The Workday `Cost_Center_Reference_ID`.
    pub cost_center: &'static str,
    /// The Workday `Organization_Reference_ID` of the supervisory organisation.
    pub organization_id: &'static str,
}

/// All departments.
pub const DEPARTMENTS: &[Department] = &[
    Department {
        name: "Field Engineering",
        slug: "field-engineering",
        group_id: "3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1001",
        okta_group_id: "00g1fieldengineering",
        slack_channel_id: "C0FIELDENG1",
        cost_center: "CC-4100",
        organization_id: "SUP-FIELD-ENGINEERING",
    },
    Department {
        name: "Design",
        slug: "design",
        group_id: "3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1002",
        okta_group_id: "00g1design0000000000",
        slack_channel_id: "C0DESIGN001",
        cost_center: "CC-4200",
        organization_id: "SUP-DESIGN",
    },
    Department {
        name: "Data Platform",
        slug: "data-platform",
        group_id: "3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1003",
        okta_group_id: "00g1dataplatform0000",
        slack_channel_id: "C0DATAPLAT1",
        cost_center: "CC-4300",
        organization_id: "SUP-DATA-PLATFORM",
    },
    Department {
        name: "Finance",
        slug: "finance",
        group_id: "3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1004",
        okta_group_id: "00g1finance000000000",
        slack_channel_id: "C0FINANCE01",
        cost_center: "CC-2100",
        organization_id: "SUP-FINANCE",
    },
    Department {
        name: "People Operations",
        slug: "people-operations",
        group_id: "3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1005",
        okta_group_id: "00g1peopleoperations",
        slack_channel_id: "C0PEOPLEOPS",
        cost_center: "CC-2200",
        organization_id: "SUP-PEOPLE-OPERATIONS",
    },
    Department {
        name: "Sales",
        slug: "sales",
        group_id: "3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1006",
        okta_group_id: "00g1sales00000000000",
        slack_channel_id: "C0SALES0001",
        cost_center: "CC-3100",
        organization_id: "SUP-SALES",
    },
    Department {
        name: "Customer Success",
        slug: "customer-success",
        group_id: "3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1007",
        okta_group_id: "00g1customersuccess0",
        slack_channel_id: "C0CUSTSUCC1",
        cost_center: "CC-3200",
        organization_id: "SUP-CUSTOMER-SUCCESS",
    },
    Department {
        name: "Security",
        slug: "security",
        group_id: "3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1008",
        okta_group_id: "00g1security00000000",
        slack_channel_id: "C0SECURITY1",
        cost_center: "CC-4400",
        organization_id: "SUP-SECURITY",
    },
];

/// Okta groups beside those of departments: name and id.
pub const OKTA_GROUPS: &[(&str, &str)] = &[
    ("Everyone", "00g1everyone00000000"),
    ("contractors", "00g1contractors00000"),
    ("contractors-us", "00g1contractorsus000"),
    ("contractors-mx", "00g1contractorsmx000"),
    ("contractors-in", "00g1contractorsin000"),
    ("engineering", "00g1engineering00000"),
];

/// Slack channels beside those of departments: name and id.
pub const SLACK_CHANNELS: &[(&str, &str)] = &[("general", "C0GENERAL01"), ("contractors", "C0CONTRACT1")];

/// Intune device configurations: display name, id, type.
pub const DEVICE_CONFIGURATIONS: &[(&str, &str, &str)] = &[
    (
        "Contractor baseline",
        "a1c5e0d2-5b7f-4c1a-8e90-6d2f4b8c2001",
        "#microsoft.graph.windows10GeneralConfiguration",
    ),
    (
        "Employee baseline",
        "a1c5e0d2-5b7f-4c1a-8e90-6d2f4b8c2002",
        "#microsoft.graph.windows10GeneralConfiguration",
    ),
];

/// Intune compliance policies: display name and id.
pub const COMPLIANCE_POLICIES: &[(&str, &str)] =
    &[("Corporate compliance", "b7d3f1a4-2c68-4e5b-9a17-3f8e0c6d3001")];

/// Intune apps: display name and id.
pub const MOBILE_APPS: &[(&str, &str)] = &[
    ("Company Portal", "c9e4a2b6-8d13-4f7c-a25e-1b0d7f9e4001"),
    ("Developer Tools", "c9e4a2b6-8d13-4f7c-a25e-1b0d7f9e4002"),
];

/// `ServiceNow` catalog items: name and `sys_id`.
pub const CATALOG_ITEMS: &[(&str, &str)] = &[
    ("Developer Laptop", "774906834fbb4200086eeed18110c737"),
    ("Standard Laptop", "04b7e94b4f7b4200086eeed18110c7fd"),
    ("Mobile Phone", "ec80c13297968d1021983d1e6253af32"),
];

/// The Slack user that the bot token belongs to.
pub const SLACK_BOT_USER_ID: &str = "U0XOPSBOT01";

/// The department of this name.
pub fn department(name: &str) -> Option<&'static Department> {
    DEPARTMENTS.iter().find(|department| department.name == name)
}

/// The Graph group of a department's people.
pub fn department_group_id(name: &str) -> Option<&'static str> {
    department(name).map(|department| department.group_id)
}

/// The Okta group of this name, departments included.
pub fn okta_group_id(name: &str) -> Option<&'static str> {
    let own = OKTA_GROUPS.iter().find(|(group, _)| *group == name).map(|(_, id)| *id);
    own.or_else(|| DEPARTMENTS.iter().find(|one| one.slug == name).map(|one| one.okta_group_id))
}

/// The Slack channel of this name, departments included.
pub fn slack_channel_id(name: &str) -> Option<&'static str> {
    let own = SLACK_CHANNELS.iter().find(|(channel, _)| *channel == name).map(|(_, id)| *id);
    own.or_else(|| DEPARTMENTS.iter().find(|one| one.slug == name).map(|one| one.slack_channel_id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_fixed_id_has_its_vendors_shape_and_is_alone() {
        let okta = OKTA_GROUPS.iter().map(|one| one.1).chain(DEPARTMENTS.iter().map(|one| one.okta_group_id));
        let slack =
            SLACK_CHANNELS.iter().map(|one| one.1).chain(DEPARTMENTS.iter().map(|one| one.slack_channel_id));
        let guids =
            DEVICE_CONFIGURATIONS.iter().map(|one| one.1).chain(DEPARTMENTS.iter().map(|one| one.group_id));
        let mut seen = BTreeSet::new();
        for (ids, length) in [(okta.collect::<Vec<_>>(), 20), (slack.collect(), 11), (guids.collect(), 36)] {
            for id in ids {
                assert_eq!(id.len(), length, "{id}");
                assert!(seen.insert(id), "{id} twice");
            }
        }
        assert!(CATALOG_ITEMS.iter().all(|(_, id)| id.len() == 32));
    }

    #[test]
    fn a_department_is_found_in_every_system() {
        assert_eq!(okta_group_id("design"), Some("00g1design0000000000"));
        assert_eq!(slack_channel_id("data-platform"), Some("C0DATAPLAT1"));
        assert_eq!(department_group_id("Astrology"), None);
    }
}
