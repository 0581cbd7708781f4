//! Losses that no object of a stand-in shows: their undo leaves every object as it was, and says all the same what does not come back.
//!
//! - Nothing else is let pass: a loss that is not listed here has to be seen, and one that is listed must not be. The list only
//!   shrinks.

/// AWFs whose named loss lies outside the objects that the vendor's interface shows.
pub(crate) const LOST_ELSEWHERE: &[&str] = &[
    // What happened in between: nobody can give it back, and no object shows it.
    "adobe_umapi.remove_product_profile",
    "box.place_legal_hold",
    "crowdstrike.contain_host",
    "crowdstrike.hide_host",
    "crowdstrike.lift_containment",
    "dialpad.unassign_number",
    "entra_id.delete_group",
    "entra_id.delete_user",
    "google_licensing.remove_license",
    "jamf_pro.update_static_group",
    "kandji.disable_lost_mode",
    "m365_licensing.remove_group_license",
    "pagerduty.create_schedule_override",
    "stripe_issuing.deactivate_cardholder",
    "stripe_issuing.freeze_card",
    "telnyx_mobile.disable_sim",
    "zscaler_zia.create_user",
    // Somebody was told: a mail or a message was sent and read.
    "bamboohr.set_time_off_status",
    "envoy.invite_visitor",
    "github.invite_org_member",
    "gmail.remove_forwarding_address",
    "google_calendar.transfer_event_organizer",
    "google_chat.post_message",
    "kandji.enable_lost_mode",
    "microsoft_places.book_room_event",
    "pagerduty.create_user",
    "servicenow_wsd.update_workspace_reservation",
    "slack.post_message",
    // A history, a name or a number: the vendor keeps it where its interface does not show it.
    "bamboohr.update_employee",
    "greenhouse.reject_application",
    "servicenow.create_normal_change",
    "snipe_it.create_asset",
    "snipe_it.update_asset",
    "snowflake.alter_user",
    "teams.create_team_channel",
    // What a device, a session or another system does because of it.
    "dropbox_business.suspend_member",
    "duo.disable_user",
    "greenhouse.disable_user",
    "jira_service.transition_issue",
    "kandji.assign_blueprint",
    "meraki.tag_sm_devices",
    "meraki.untag_sm_devices",
    "sailpoint_isc.set_lifecycle_state",
    "teams.unarchive_team",
    // Other limits of the card: an undo alone would take them too, and the kernel undoes no update whose value is as it was.
    "stripe_issuing.set_spend_limit",
];
