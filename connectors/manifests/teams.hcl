# Microsoft Teams, by Microsoft Graph v1.0: teams, members, channels, apps. A team is made in the background and has no name
# that is unique: our key stands at the end of its description. A membership has an id of its own beside the user's.
manifest "teams" {
  title   = "Microsoft Teams"
  domain  = "communications"
  extends = "microsoft_graph"

  limit "app" {
    rate        = 30
    per         = "1s"
    reserve     = 50
    concurrency = 4
  }

  # A seat in a team, whether as owner or as member.
  lookup "seat" {
    inputs = {
      team = "text"
      user = "text"
    }
    get   = "/teams/{team}/members"
    items = response.body.value
    where = item.userId == input.user
    value = "member"
    outputs = {
      id    = item.id
      roles = list(item.roles)
    }
    authoritative = true
    page "next_url" { next = response.body["@odata.nextLink"] }
  }

  # A team by its name. A name with a quote in it would change the filter: then all teams are listed. Each one is judged again
  # here in either case.
  lookup "team_by_name" {
    inputs = { display_name = "text" }
    get    = "/groups"
    query = {
      "$filter" = contains(input.display_name, "'") ? "resourceProvisioningOptions/Any(x:x eq 'Team')" : concat("displayName eq '", input.display_name, "' and resourceProvisioningOptions/Any(x:x eq 'Team')")
      "$select" = "id,displayName,description"
      "$top"    = 999
    }
    items         = response.body.value
    where         = item.displayName == input.display_name
    value         = "present"
    outputs       = { team = item.id }
    marker        = item.description
    authoritative = true
    evidence      = "recalled: the listing of groups and its filter"
    page "next_url" { next = response.body["@odata.nextLink"] }
    then "team" { found = item.id }
  }

  # The group is there before its team.
  lookup "team" {
    get   = "/teams/{carry.found}"
    query = { "$select" = "id,isArchived" }
    error "absent" { when = response.status == 404 && response.body.error.code == "NotFound" }
    present       = response.body.id != null
    authoritative = true
  }

  # A team that is not archived.
  lookup "active_team" {
    inputs = { team = "text" }
    get    = "/teams/{team}"
    query  = { "$select" = "id,isArchived" }
    error "absent" { when = response.status == 404 && response.body.error.code == "NotFound" }
    absent        = response.body.id == input.team && response.body.isArchived == true
    present       = response.body.id == input.team && response.body.isArchived == false
    value         = "active"
    authoritative = true
  }

  # A channel by its name, which is unique in a team.
  lookup "channel_by_name" {
    inputs = {
      team         = "text"
      display_name = "text"
    }
    get           = "/teams/{team}/channels"
    query         = { "$select" = "id,displayName,membershipType" }
    items         = response.body.value
    where         = lower(item.displayName) == lower(input.display_name)
    value         = "present"
    outputs       = { channel = item.id }
    authoritative = true
    evidence      = "recalled: the listing of channels"
    page "next_url" { next = response.body["@odata.nextLink"] }
  }

  lookup "channel" {
    inputs = {
      team    = "text"
      channel = "text"
    }
    get   = "/teams/{team}/channels/{channel}"
    query = { "$select" = "id,displayName" }
    error "absent" { when = response.status == 404 && response.body.error.code == "NotFound" }
    present       = response.body.id == input.channel
    value         = "present"
    authoritative = true
  }

  lookup "user_app" {
    inputs = {
      user = "text"
      app  = "text"
    }
    get           = "/users/{user}/teamwork/installedApps"
    query         = { "$expand" = "teamsApp" }
    items         = response.body.value
    where         = item.teamsApp.id == input.app
    value         = "member"
    outputs       = { id = item.id }
    authoritative = true
    page "next_url" { next = response.body["@odata.nextLink"] }
  }

  # As owner where `roles` is ["owner"].
  awf "add_team_member" {
    achieves = "create"
    inputs = {
      team  = "text"
      user  = "text"
      roles = "list(text)"
    }
    optional = ["roles"]
    evidence = "vendor spec; `user@odata.bind` by the vendor's documentation; the answer to a second addition is recalled"
    samples  = { roles = ["owner"] }

    post = "/teams/{team}/members"
    json = {
      "@odata.type"     = "#microsoft.graph.aadUserConversationMember"
      roles             = list(input.roles)
      "user@odata.bind" = concat(var.graph, "/users('", input.user, "')")
    }
    error "already_done" { when = response.status == 409 && response.body.error.code == "Conflict" }

    lookup "seat" {}
    # Nobody sits twice in a team.
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "5m"
      every  = "2s"
    }
    undo "remove_team_member" {
      with = {
        team = input.team
        user = input.user
      }
    }
  }

  awf "remove_team_member" {
    achieves = "remove"
    inputs = {
      team = "text"
      user = "text"
    }
    evidence = "vendor spec"
    samples  = { roles = ["owner"] }

    delete = "/teams/{team}/members/{snapshot.id}"

    lookup "seat" {}
    ambiguous "resend" {}
    readback {
      within = "5m"
      every  = "2s"
    }
    undo "add_team_member" {
      with = {
        team  = input.team
        user  = input.user
        roles = snapshot.roles
      }
      loss = "the seats in private channels of the team, and from when on the history is seen"
    }
  }

  awf "create_team" {
    achieves = "create"
    inputs = {
      display_name = "text"
      description  = "text"
      owner        = "text"
      visibility   = "text"
    }
    optional = ["description", "visibility"]
    outputs  = { team = "text" }
    evidence = "vendor spec; that the listing of groups filters teams is recalled"
    samples  = { visibility = "private" }

    post = "/teams"
    json = {
      "template@odata.bind" = concat(var.graph, "/teamsTemplates('standard')")
      displayName           = input.display_name
      description           = concat(coalesce(input.description, input.display_name), " (", key, ")")
      visibility            = coalesce(input.visibility, "private")
      members = [{
        "@odata.type"     = "#microsoft.graph.aadUserConversationMember"
        roles             = ["owner"]
        "user@odata.bind" = concat(var.graph, "/users('", input.owner, "')")
      }]
    }

    lookup "team_by_name" {}
    # It is made in the background, and nothing stands against a second one of the same name.
    ambiguous "probe" {
      window   = "15m"
      agreeing = 3
    }
    readback {
      within = "15m"
      every  = "5s"
    }
    undo "archive_team" {
      with = { team = output.team }
      loss = "the team remains, archived"
    }
  }

  awf "archive_team" {
    achieves = "remove"
    inputs = {
      team      = "text"
      read_only = "bool"
    }
    optional = ["read_only"]
    evidence = "vendor spec"

    post = "/teams/{team}/archive"
    json = { shouldSetSpoSiteReadOnlyForMembers = input.read_only == true }

    lookup "active_team" {}
    # What is archived stays archived.
    ambiguous "probe" {
      window   = "2m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "10m"
      every  = "3s"
    }
    undo "unarchive_team" { with = { team = input.team } }
  }

  awf "unarchive_team" {
    achieves = "create"
    inputs   = { team = "text" }
    evidence = "vendor spec"

    post = "/teams/{team}/unarchive"

    lookup "active_team" {}
    ambiguous "probe" {
      window   = "2m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "10m"
      every  = "3s"
    }
    undo "archive_team" {
      with = { team = input.team }
      loss = "whether its site was read-only for members"
    }
  }

  awf "create_team_channel" {
    achieves = "create"
    inputs = {
      team            = "text"
      display_name    = "text"
      description     = "text"
      membership_type = "text"
    }
    optional = ["description", "membership_type"]
    outputs  = { channel = "text" }
    evidence = "vendor spec; the listing of channels is recalled"
    samples  = { membership_type = "standard" }

    post = "/teams/{team}/channels"
    json = {
      displayName    = input.display_name
      description    = input.description
      membershipType = coalesce(input.membership_type, "standard")
    }
    capture = { channel = response.body.id }

    lookup "channel_by_name" {}
    # A second channel of the same name is refused.
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "5m"
      every  = "2s"
    }
    undo "delete_team_channel" {
      with = {
        team    = input.team
        channel = output.channel
      }
      loss = "its name stays taken for 30 days"
    }
  }

  awf "delete_team_channel" {
    achieves = "remove"
    inputs = {
      team    = "text"
      channel = "text"
    }
    evidence = "vendor spec"

    delete = "/teams/{team}/channels/{channel}"

    lookup "channel" {}
    ambiguous "resend" {}
    readback {
      within = "5m"
      every  = "2s"
    }
    irreversible = "a deleted channel is brought back by an owner of the team within 30 days, not from here"
  }

  awf "install_user_app" {
    achieves = "create"
    inputs = {
      user = "text"
      app  = "text"
    }
    evidence = "vendor spec; the answer to a second installation is recalled"

    post = "/users/{user}/teamwork/installedApps"
    json = { "teamsApp@odata.bind" = concat(var.graph, "/appCatalogs/teamsApps/", input.app) }
    error "already_done" { when = response.status == 409 && response.body.error.code == "Conflict" }

    lookup "user_app" {}
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "5m"
      every  = "2s"
    }
    undo "uninstall_user_app" {
      with = {
        user = input.user
        app  = input.app
      }
    }
  }

  awf "uninstall_user_app" {
    achieves = "remove"
    inputs = {
      user = "text"
      app  = "text"
    }
    evidence = "vendor spec"

    delete = "/users/{user}/teamwork/installedApps/{snapshot.id}"

    lookup "user_app" {}
    ambiguous "resend" {}
    readback {
      within = "5m"
      every  = "2s"
    }
    undo "install_user_app" {
      with = {
        user = input.user
        app  = input.app
      }
      loss = "the installation comes back under another id"
    }
  }

  read "teams" {
    kind = "team"
    get  = "/groups"
    query = {
      "$filter" = "resourceProvisioningOptions/Any(x:x eq 'Team')"
      "$select" = "id,displayName,description,visibility"
      "$top"    = 999
    }
    evidence = "recalled: how the listing of groups filters teams"
    items    = response.body.value
    page "next_url" { next = response.body["@odata.nextLink"] }
    id = item.id
    text {
      name        = item.displayName
      description = item.description
      visibility  = item.visibility
    }
  }

  read "team_members" {
    kind     = "team_member"
    for_each = "team"
    get      = "/teams/{parent}/members"
    evidence = "vendor spec"
    error "absent" { when = response.status == 404 && response.body.error.code == "NotFound" }
    items = response.body.value
    page "next_url" { next = response.body["@odata.nextLink"] }
    id = concat(input.parent, "/", item.userId)
    text {
      team = input.parent
      user = item.userId
    }
    texts { roles = item.roles }
  }
}
