# What outcomes can want, and the route table: which AWF brings each change about.
# In `with`: `facet.*` is the element that is wanted, `state.*` what the AWF of another facet gives, `link.*` the person's
# record in a system.

facet "workforce" "contract_end" { system = "workday" }

route "create" "workforce" "contract_end" {
  awf = workday.set_end_date
  with {
    worker   = person.worker_id
    end_date = facet.value
  }
}

facet "identity" "account" {
  system = "okta"
  after  = [facet.workforce.contract_end]
}

route "create" "identity" "account" {
  awf = okta.create_identity
  with {
    login      = person.email
    email      = person.email
    first_name = person.first_name
    last_name  = person.last_name
  }
}

# Whoever comes back has an account that was deprovisioned.
route "update" "identity" "account" {
  awf = okta.restore_identity
  with { login = person.email }
}

facet "identity" "groups" {
  system = "okta"
  set    = true
  mode   = "additive"
  after  = [facet.identity.account]
}

route "create" "identity" "groups" {
  awf = okta.assign_groups
  with {
    user  = state.identity.account.id
    group = facet.id
  }
}

route "remove" "identity" "groups" {
  awf = okta.remove_groups
  with {
    user  = link.okta.id
    group = facet.id
  }
}

# A profile is assigned to the group of the person's department, which the layers say.
facet "devices" "profile" {
  system = "intune"
  set    = true
  after  = [facet.identity.groups]
}

route "create" "devices" "profile" {
  awf = intune.push_profile
  with {
    profile = facet.id
    group   = setting.device_group
  }
}

route "remove" "devices" "profile" {
  awf = intune.remove_profile
  with {
    profile = facet.id
    group   = setting.device_group
  }
}

facet "service" "laptop" { system = "servicenow" }

route "create" "service" "laptop" {
  awf = servicenow.order_dev
  with {
    item          = item.developer_laptop.id
    requested_for = link.servicenow.id
  }
}

facet "communications" "channels" {
  system = "slack"
  set    = true
  after  = [facet.identity.groups]
}

route "create" "communications" "channels" {
  awf = slack.invite_channels
  with {
    channel = facet.id
    user    = link.slack.id
  }
}

route "remove" "communications" "channels" {
  awf = slack.remove_channels
  with {
    channel = facet.id
    user    = link.slack.id
  }
}
