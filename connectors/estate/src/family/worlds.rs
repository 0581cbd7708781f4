//! Every description of `worlds/`, by the system's name.
//!
//! - No vendor's word but names.

use super::describe::Description;
use std::sync::OnceLock;

/// Name and text; those in capitals are families, which others include.
const TEXTS: &[(&str, &str)] = &[
    ("ATLASSIAN", include_str!("../../worlds/ATLASSIAN.wire")),
    ("GOOGLE", include_str!("../../worlds/GOOGLE.wire")),
    ("GRAPH", include_str!("../../worlds/GRAPH.wire")),
    ("SCIM", include_str!("../../worlds/SCIM.wire")),
    ("adobe_umapi", include_str!("../../worlds/adobe_umapi.wire")),
    ("asana", include_str!("../../worlds/asana.wire")),
    ("atlassian_cloud", include_str!("../../worlds/atlassian_cloud.wire")),
    ("bamboohr", include_str!("../../worlds/bamboohr.wire")),
    ("box", include_str!("../../worlds/box.wire")),
    ("coupa", include_str!("../../worlds/coupa.wire")),
    ("crowdstrike", include_str!("../../worlds/crowdstrike.wire")),
    ("dialpad", include_str!("../../worlds/dialpad.wire")),
    ("docusign", include_str!("../../worlds/docusign.wire")),
    ("dropbox_business", include_str!("../../worlds/dropbox_business.wire")),
    ("duo", include_str!("../../worlds/duo.wire")),
    ("entra_id", include_str!("../../worlds/entra_id.wire")),
    ("envoy", include_str!("../../worlds/envoy.wire")),
    ("exchange_online", include_str!("../../worlds/exchange_online.wire")),
    ("github", include_str!("../../worlds/github.wire")),
    ("gmail", include_str!("../../worlds/gmail.wire")),
    ("google_calendar", include_str!("../../worlds/google_calendar.wire")),
    ("google_chat", include_str!("../../worlds/google_chat.wire")),
    ("google_endpoint", include_str!("../../worlds/google_endpoint.wire")),
    ("google_licensing", include_str!("../../worlds/google_licensing.wire")),
    ("google_vault", include_str!("../../worlds/google_vault.wire")),
    ("google_workspace", include_str!("../../worlds/google_workspace.wire")),
    ("greenhouse", include_str!("../../worlds/greenhouse.wire")),
    ("hubspot", include_str!("../../worlds/hubspot.wire")),
    ("intune", include_str!("../../worlds/intune.wire")),
    ("ironclad", include_str!("../../worlds/ironclad.wire")),
    ("jamf_pro", include_str!("../../worlds/jamf_pro.wire")),
    ("jira_service", include_str!("../../worlds/jira_service.wire")),
    ("kandji", include_str!("../../worlds/kandji.wire")),
    ("kisi", include_str!("../../worlds/kisi.wire")),
    ("m365_licensing", include_str!("../../worlds/m365_licensing.wire")),
    ("meraki", include_str!("../../worlds/meraki.wire")),
    ("microsoft_places", include_str!("../../worlds/microsoft_places.wire")),
    ("okta", include_str!("../../worlds/okta.wire")),
    ("pagerduty", include_str!("../../worlds/pagerduty.wire")),
    ("ringcentral", include_str!("../../worlds/ringcentral.wire")),
    ("robin", include_str!("../../worlds/robin.wire")),
    ("sailpoint_isc", include_str!("../../worlds/sailpoint_isc.wire")),
    ("salesforce", include_str!("../../worlds/salesforce.wire")),
    ("scim2_generic", include_str!("../../worlds/scim2_generic.wire")),
    ("servicenow", include_str!("../../worlds/servicenow.wire")),
    ("servicenow_wsd", include_str!("../../worlds/servicenow_wsd.wire")),
    ("slack", include_str!("../../worlds/slack.wire")),
    ("snipe_it", include_str!("../../worlds/snipe_it.wire")),
    ("snowflake", include_str!("../../worlds/snowflake.wire")),
    ("stripe_issuing", include_str!("../../worlds/stripe_issuing.wire")),
    ("teams", include_str!("../../worlds/teams.wire")),
    ("telnyx_mobile", include_str!("../../worlds/telnyx_mobile.wire")),
    ("twilio", include_str!("../../worlds/twilio.wire")),
    ("verkada", include_str!("../../worlds/verkada.wire")),
    ("workday", include_str!("../../worlds/workday.wire")),
    ("xero", include_str!("../../worlds/xero.wire")),
    ("zoom", include_str!("../../worlds/zoom.wire")),
    ("zscaler_zia", include_str!("../../worlds/zscaler_zia.wire")),
];

/// Every described system.
pub(crate) fn all() -> &'static [(&'static str, Description)] {
    static READ: OnceLock<Vec<(&'static str, Description)>> = OnceLock::new();
    READ.get_or_init(|| {
        let find = |name: &str| TEXTS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text);
        let systems = TEXTS.iter().filter(|(name, _)| name.chars().any(char::is_lowercase));
        let read = |(name, text): &(&'static str, &'static str)| match Description::parse(text, &find) {
            Ok(description) => (*name, description),
            Err(why) => panic!("the description `{name}` cannot be read: {why}"),
        };
        systems.map(read).collect()
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_description_can_be_read_and_has_routes() {
        for (name, description) in super::all() {
            assert!(!description.rules.is_empty(), "{name}");
            assert!(description.rules.iter().all(|rule| !rule.steps.is_empty()), "{name}");
        }
    }
}
