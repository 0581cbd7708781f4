# Intune, by Microsoft Graph v1.0: configuration profiles and their assignments. `assign` replaces the whole set of a
# profile's assignments and Graph has no version for it: so it is read under a lock, merged and written.
manifest "intune" {
  title  = "Microsoft Intune"
  domain = "devices"

  var "token_url" {
    type  = "text"
    about = "the token endpoint of the directory"
  }

  hosts = ["login.microsoftonline.com"]

  auth "oauth2_client_credentials" {
    token_url = "var:token_url"
    scope     = "https://graph.microsoft.com/.default"
    in_form   = true
  }

  headers = { accept = "application/json" }

  limit "tenant" {
    rate    = 2000
    per     = "20s"
    reserve = 50
  }

  message = response.body.error.message

  error "absent" { when = response.status == 404 && contains(["ResourceNotFound", "Request_ResourceNotFound", "NotFound", "itemNotFound"], response.body.error.code) }
  error "conflict" { when = response.status == 423 }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  # The assignment of a profile to a group, and all other assignments of the profile as they stand.
  lookup "assignment" {
    inputs = {
      profile = "text"
      group   = "text"
    }
    get   = "/deviceManagement/deviceConfigurations/{profile}/assignments"
    items = response.body.value
    where = item.target["@odata.type"] == "#microsoft.graph.groupAssignmentTarget" && item.target.groupId == input.group
    value = "member"
    gather = {
      others = item.target["@odata.type"] == "#microsoft.graph.groupAssignmentTarget" && item.target.groupId == input.group ? null : { target = item.target }
    }
    authoritative = true
    page "next_url" { next = response.body["@odata.nextLink"] }
  }

  awf "push_profile" {
    achieves = "create"
    inputs = {
      profile = "text"
      group   = "text"
    }
    locks    = ["profile:{profile}"]
    evidence = "vendor spec; that `assignments` is required is recalled"

    post = "/deviceManagement/deviceConfigurations/{profile}/assign"
    json = {
      assignments = with(snapshot.others, {
        target = {
          "@odata.type" = "#microsoft.graph.groupAssignmentTarget"
          groupId       = input.group
        }
      })
    }

    lookup "assignment" {}
    # The whole set is put, and a set holds a target once: writing it again cannot double it. An assignment carries no mark of
    # whose it is, so that one found by looking would never be taken back. What others write meanwhile would be overwritten:
    # after a quarter of an hour a person is asked.
    ambiguous "resend" { replaces_within = "15m" }
    readback {
      within = "2m"
      every  = "1s"
    }
    undo "remove_profile" {
      with = {
        profile = input.profile
        group   = input.group
      }
    }
  }

  awf "remove_profile" {
    achieves = "remove"
    inputs = {
      profile = "text"
      group   = "text"
    }
    locks    = ["profile:{profile}"]
    evidence = "vendor spec; that `assignments` is required is recalled"

    post = "/deviceManagement/deviceConfigurations/{profile}/assign"
    json = { assignments = snapshot.others }

    lookup "assignment" {}
    ambiguous "resend" { replaces_within = "15m" }
    readback {
      within = "2m"
      every  = "1s"
    }
    undo "push_profile" {
      with = {
        profile = input.profile
        group   = input.group
      }
    }
  }

  read "configurations" {
    kind     = "configuration"
    get      = "/deviceManagement/deviceConfigurations"
    evidence = "recalled: the listing of what `{id}/assign` addresses"
    items    = response.body.value
    page "next_url" { next = response.body["@odata.nextLink"] }
    id      = item.id
    version = item.version
    text {
      name        = item.displayName
      description = item.description
      platform    = item["@odata.type"]
    }
  }

  read "devices" {
    kind     = "device"
    get      = "/deviceManagement/managedDevices"
    evidence = "vendor spec"
    items    = response.body.value
    page "next_url" { next = response.body["@odata.nextLink"] }
    id = item.id
    text {
      name       = item.deviceName
      serial     = item.serialNumber
      user_email = item.userPrincipalName
      os         = item.operatingSystem
      os_version = item.osVersion
      compliance = item.complianceState
      management = item.managementState
      owner_type = item.managedDeviceOwnerType
      model      = item.model
    }
    bool { encrypted = item.isEncrypted }
  }
}
