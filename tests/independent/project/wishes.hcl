# What is wanted of these people, and how it comes about.
layer "global" {
  set {
    on_reject = "backstep"
    parallel  = 1
  }
}

outcome "WELCOME" {
  title  = "An account, a group of each kind, a channel"
  entity = "person"
  for    = person.active == true

  identity {
    account = "present"
    groups  = [group.contractors]
  }
  workforce { teams = [team.engine] }
  communications { channels = [channel.engine] }
}

facet "identity" "account" { system = "okta" }

route "create" "identity" "account" {
  awf = okta.create_identity
  with {
    login      = person.email
    email      = person.email
    first_name = person.first_name
    last_name  = person.last_name
  }
}

facet "identity" "groups" {
  system = "okta"
  set    = true
  after  = [facet.identity.account]
}

route "create" "identity" "groups" {
  awf = okta.assign_groups
  with {
    user  = state.identity.account.id
    group = facet.id
  }
}

facet "workforce" "teams" {
  system = "scim2_generic"
  set    = true
  after  = [facet.identity.groups]
}

route "create" "workforce" "teams" {
  awf = scim2_generic.add_group_member
  with {
    group = facet.id
    user  = link.scim2_generic.id
  }
}

facet "communications" "channels" {
  system = "slack"
  set    = true
  after  = [facet.workforce.teams]
}

route "create" "communications" "channels" {
  awf = slack.invite_channels
  with {
    channel = facet.id
    user    = link.slack.id
  }
}
