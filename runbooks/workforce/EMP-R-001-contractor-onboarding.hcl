# The order in which a contractor is onboarded. What each node needs is bound by the route of the change that it achieves.

runbook "EMP-R-001" {
  title     = "Contractor onboarding"
  plan      = "onboard.contractor"
  on_reject = "backstep"

  variant "v3.2" {
    node "set_end_date" { awf = workday.set_end_date }
    node "create_identity" {
      awf   = okta.create_identity
      after = [node.set_end_date]
    }
    node "assign_groups" {
      awf   = okta.assign_groups
      after = [node.create_identity]
    }
    node "push_profile" {
      awf   = intune.push_profile
      after = [node.assign_groups]
    }
    node "order_dev" {
      awf   = servicenow.order_dev
      after = [node.set_end_date]
    }
    node "invite_channels" {
      awf   = slack.invite_channels
      after = [node.assign_groups]
    }
  }
}
