# Intune, by Microsoft Graph v1.0: profiles, policies and apps and their assignments, actions on devices, Autopilot. `assign`
# replaces the whole set of assignments and Graph has no version for it: so it is read under a lock, merged and written.
# An action on a device is only queued by its answer; when the device obeys is its own affair. What it did before stands in
# `deviceActionResults`: what is new there after a call that was never answered is taken for ours.
manifest "intune" {
  title   = "Microsoft Intune"
  domain  = "devices"
  extends = "microsoft_graph"

  limit "tenant" {
    rate    = 2000
    per     = "20s"
    reserve = 50
  }

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

  # The assignment of a compliance policy to a group, and all other assignments of the policy as they stand.
  lookup "policy_assignment" {
    inputs = {
      policy = "text"
      group  = "text"
    }
    get   = "/deviceManagement/deviceCompliancePolicies/{policy}/assignments"
    items = response.body.value
    where = item.target["@odata.type"] == "#microsoft.graph.groupAssignmentTarget" && item.target.groupId == input.group
    value = "member"
    gather = {
      others = item.target["@odata.type"] == "#microsoft.graph.groupAssignmentTarget" && item.target.groupId == input.group ? null : { target = item.target }
    }
    authoritative = true
    page "next_url" { next = response.body["@odata.nextLink"] }
  }

  # The assignment of an app to a group. With another intent it is there, but is not what is asked for.
  lookup "app_assignment" {
    inputs = {
      app    = "text"
      group  = "text"
      intent = "text"
    }
    get   = "/deviceAppManagement/mobileApps/{app}/assignments"
    items = response.body.value
    where = item.target["@odata.type"] == "#microsoft.graph.groupAssignmentTarget" && item.target.groupId == input.group
    value = item.intent == input.intent ? "member" : item.intent
    outputs = {
      intent   = item.intent
      settings = item.settings
    }
    gather = {
      others = item.target["@odata.type"] == "#microsoft.graph.groupAssignmentTarget" && item.target.groupId == input.group ? null : { intent = item.intent, target = item.target, settings = item.settings }
    }
    authoritative = true
    page "next_url" { next = response.body["@odata.nextLink"] }
  }

  # A device that is managed, and is not about to leave.
  lookup "managed_device" {
    inputs = { device = "text" }
    get    = "/deviceManagement/managedDevices/{device}"
    query  = { "$select" = "id,managementState" }
    error "absent" { when = response.status == 404 && contains(["ResourceNotFound", "NotFound"], response.body.error.code) }
    absent        = response.body.id == input.device && contains(["retirePending", "retireIssued", "wipePending", "wipeIssued", "deletePending"], response.body.managementState)
    present       = response.body.id == input.device && response.body.managementState != null
    value         = "managed"
    outputs       = { state = response.body.managementState }
    authoritative = true
  }

  # The record of a device, whatever its state.
  lookup "device_record" {
    inputs = { device = "text" }
    get    = "/deviceManagement/managedDevices/{device}"
    query  = { "$select" = "id,managementState" }
    error "absent" { when = response.status == 404 && contains(["ResourceNotFound", "NotFound"], response.body.error.code) }
    present       = response.body.id == input.device
    value         = "present"
    authoritative = true
  }

  # Whether a device is being wiped. A device that is not found was not wiped, as far as anybody knows.
  lookup "wipe" {
    inputs        = { device = "text" }
    get           = "/deviceManagement/managedDevices/{device}"
    query         = { "$select" = "id,managementState" }
    absent        = response.body.managementState != null && !contains(["wipePending", "wipeIssued"], response.body.managementState)
    present       = contains(["wipePending", "wipeIssued"], response.body.managementState)
    value         = "wiping"
    authoritative = true
  }

  # What the device was told to do. What was seen before is told the second time: an action of this name that is new is ours.
  lookup "action" {
    inputs = {
      device = "text"
      name   = "text"
      known  = "list(text)"
    }
    optional      = ["known"]
    get           = "/deviceManagement/managedDevices/{device}"
    query         = { "$select" = "id,deviceActionResults" }
    items         = list(response.body.deviceActionResults)
    where         = input.known != null && item.actionName == input.name && !contains(input.known, item.startDateTime)
    value         = "queued"
    outputs       = { known = response.body.deviceActionResults[*].startDateTime }
    authoritative = true
  }

  # The category of a device; one that has none shows the id of zeros.
  lookup "category" {
    inputs = { device = "text" }
    get    = "/deviceManagement/managedDevices/{device}/deviceCategory"
    error "absent" { when = response.status == 404 && contains(["ResourceNotFound", "NotFound"], response.body.error.code) }
    present       = response.body.id != null
    value         = response.body.id
    outputs       = { category = response.body.id }
    authoritative = true
  }

  # A device in Autopilot by its serial number. A number with a quote in it would change the filter: then all are listed.
  lookup "autopilot_device" {
    inputs        = { serial = "text" }
    get           = "/deviceManagement/windowsAutopilotDeviceIdentities"
    query         = { "$filter" = contains(input.serial, "'") ? null : concat("contains(serialNumber,'", input.serial, "')") }
    items         = response.body.value
    where         = lower(item.serialNumber) == lower(input.serial)
    value         = "registered"
    outputs       = { id = item.id }
    authoritative = true
    page "next_url" { next = response.body["@odata.nextLink"] }
  }

  # The user to whom a device in Autopilot belongs.
  lookup "autopilot_user" {
    inputs  = { id = "text" }
    get     = "/deviceManagement/windowsAutopilotDeviceIdentities/{id}"
    absent  = response.body.id == input.id && coalesce(response.body.userPrincipalName, "") == ""
    present = response.body.id == input.id && response.body.userPrincipalName != null
    value   = response.body.userPrincipalName
    outputs = {
      user = response.body.userPrincipalName
      name = response.body.addressableUserName
    }
    authoritative = true
  }

  lookup "diagnostics" {
    inputs = {
      device  = "text"
      request = "text"
    }
    get           = "/deviceManagement/managedDevices/{device}/logCollectionRequests"
    items         = response.body.value
    where         = item.id == input.request
    value         = "present"
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

  awf "assign_compliance_policy" {
    achieves = "create"
    inputs = {
      policy = "text"
      group  = "text"
    }
    locks    = ["policy:{policy}"]
    evidence = "vendor spec; that `assignments` is required is recalled"

    post = "/deviceManagement/deviceCompliancePolicies/{policy}/assign"
    json = {
      assignments = with(snapshot.others, {
        target = {
          "@odata.type" = "#microsoft.graph.groupAssignmentTarget"
          groupId       = input.group
        }
      })
    }

    lookup "policy_assignment" {}
    ambiguous "resend" { replaces_within = "15m" }
    readback {
      within = "2m"
      every  = "1s"
    }
    undo "unassign_compliance_policy" {
      with = {
        policy = input.policy
        group  = input.group
      }
    }
  }

  awf "unassign_compliance_policy" {
    achieves = "remove"
    inputs = {
      policy = "text"
      group  = "text"
    }
    locks    = ["policy:{policy}"]
    evidence = "vendor spec; that `assignments` is required is recalled"

    post = "/deviceManagement/deviceCompliancePolicies/{policy}/assign"
    json = { assignments = snapshot.others }

    lookup "policy_assignment" {}
    ambiguous "resend" { replaces_within = "15m" }
    readback {
      within = "2m"
      every  = "1s"
    }
    undo "assign_compliance_policy" {
      with = {
        policy = input.policy
        group  = input.group
      }
    }
  }

  # The intent is `required`, `available`, `uninstall` or `availableWithoutEnrollment`.
  awf "assign_mobile_app" {
    achieves = "create"
    inputs = {
      app      = "text"
      group    = "text"
      intent   = "text"
      settings = "map"
    }
    optional = ["settings"]
    locks    = ["app:{app}"]
    evidence = "vendor spec"
    samples = {
      intent   = "required"
      settings = { "@odata.type" = "#microsoft.graph.iosStoreAppAssignmentSettings" }
    }

    post = "/deviceAppManagement/mobileApps/{app}/assign"
    json = {
      mobileAppAssignments = with(snapshot.others, {
        intent = input.intent
        target = {
          "@odata.type" = "#microsoft.graph.groupAssignmentTarget"
          groupId       = input.group
        }
        settings = input.settings
      })
    }

    lookup "app_assignment" {}
    ambiguous "resend" { replaces_within = "15m" }
    readback {
      within = "2m"
      every  = "1s"
    }
    undo "unassign_mobile_app" {
      with = {
        app    = input.app
        group  = input.group
        intent = input.intent
      }
    }
  }

  # The app is no longer assigned to the group; what is installed stays on the devices.
  awf "unassign_mobile_app" {
    achieves = "remove"
    inputs = {
      app    = "text"
      group  = "text"
      intent = "text"
    }
    locks    = ["app:{app}"]
    evidence = "vendor spec"
    samples = {
      intent   = "required"
      settings = { "@odata.type" = "#microsoft.graph.iosStoreAppAssignmentSettings" }
    }

    post = "/deviceAppManagement/mobileApps/{app}/assign"
    json = { mobileAppAssignments = snapshot.others }

    lookup "app_assignment" {}
    ambiguous "resend" { replaces_within = "15m" }
    readback {
      within = "2m"
      every  = "1s"
    }
    undo "assign_mobile_app" {
      with = {
        app      = input.app
        group    = input.group
        intent   = snapshot.intent
        settings = snapshot.settings
      }
    }
  }

  # A device that is locked twice is locked.
  awf "remote_lock" {
    inputs   = { device = "text" }
    evidence = "vendor spec; the name of the action in `deviceActionResults` is recalled"

    post = "/deviceManagement/managedDevices/{device}/remoteLock"

    lookup "action" { name = "remoteLock" }
    after "action" {
      name  = "remoteLock"
      known = snapshot.known
    }
    ambiguous "probe" {
      window   = "2m"
      agreeing = 2
    }
    nothing_to_undo = "a locked screen is opened with the passcode that it had"
  }

  awf "reset_passcode" {
    inputs   = { device = "text" }
    evidence = "vendor spec; the name of the action in `deviceActionResults` is recalled"

    post = "/deviceManagement/managedDevices/{device}/resetPasscode"

    lookup "action" { name = "resetPasscode" }
    after "action" {
      name  = "resetPasscode"
      known = snapshot.known
    }
    ambiguous "probe" {
      window   = "2m"
      agreeing = 2
    }
    irreversible = "the passcode before is known to nobody; the person sets a new one"
  }

  # What belongs to the organisation leaves the device, and the device leaves the management when it next reports.
  awf "retire_device" {
    achieves = "remove"
    inputs   = { device = "text" }
    blast    = 1
    evidence = "vendor spec"

    post = "/deviceManagement/managedDevices/{device}/retire"

    lookup "managed_device" {}
    # A device that is about to leave cannot leave twice.
    ambiguous "probe" {
      window   = "2m"
      agreeing = 2
    }
    readback {
      within = "5m"
      every  = "2s"
    }
    irreversible = "what was taken off the device does not come back; it is enrolled anew"
    forward      = "push_profile"
  }

  awf "wipe_device" {
    inputs = {
      device               = "text"
      keep_enrollment_data = "bool"
      keep_user_data       = "bool"
      keep_esim            = "bool"
    }
    optional = ["keep_enrollment_data", "keep_user_data", "keep_esim"]
    blast    = 1
    evidence = "vendor spec"

    post = "/deviceManagement/managedDevices/{device}/wipe"
    json = {
      keepEnrollmentData  = input.keep_enrollment_data == true
      keepUserData        = input.keep_user_data == true
      persistEsimDataPlan = input.keep_esim == true
    }

    lookup "wipe" {}
    ambiguous "probe" {
      window   = "2m"
      agreeing = 2
    }
    readback {
      within = "5m"
      every  = "2s"
    }
    irreversible = "what was on the device is gone; it is set up anew"
    forward      = "push_profile"
  }

  awf "sync_device" {
    inputs   = { device = "text" }
    evidence = "vendor spec; the name of the action in `deviceActionResults` is recalled"

    post = "/deviceManagement/managedDevices/{device}/syncDevice"

    lookup "action" { name = "syncDevice" }
    after "action" {
      name  = "syncDevice"
      known = snapshot.known
    }
    ambiguous "probe" {
      window   = "2m"
      agreeing = 2
    }
    nothing_to_undo = "the device reports, nothing else"
  }

  awf "reboot_device" {
    inputs   = { device = "text" }
    evidence = "vendor spec; the name of the action in `deviceActionResults` is recalled"

    post = "/deviceManagement/managedDevices/{device}/rebootNow"

    lookup "action" { name = "rebootNow" }
    after "action" {
      name  = "rebootNow"
      known = snapshot.known
    }
    ambiguous "probe" {
      window   = "2m"
      agreeing = 2
    }
    nothing_to_undo = "the device starts again by itself"
  }

  # Where a person is, is that person's: a policy has to permit it.
  awf "locate_device" {
    inputs   = { device = "text" }
    evidence = "vendor spec; the name of the action in `deviceActionResults` is recalled"

    post = "/deviceManagement/managedDevices/{device}/locateDevice"

    lookup "action" { name = "locateDevice" }
    after "action" {
      name  = "locateDevice"
      known = snapshot.known
    }
    ambiguous "probe" {
      window   = "2m"
      agreeing = 2
    }
    nothing_to_undo = "the device says where it is, nothing else"
  }

  awf "disable_lost_mode" {
    inputs   = { device = "text" }
    evidence = "vendor spec; the name of the action in `deviceActionResults` is recalled"

    post = "/deviceManagement/managedDevices/{device}/disableLostMode"

    lookup "action" { name = "disableLostMode" }
    after "action" {
      name  = "disableLostMode"
      known = snapshot.known
    }
    ambiguous "probe" {
      window   = "2m"
      agreeing = 2
    }
    irreversible = "lost mode is not switched on from here; a device in the wrong hands is locked"
    forward      = "remote_lock"
  }

  awf "delete_managed_device" {
    achieves = "remove"
    inputs   = { device = "text" }
    blast    = 1
    evidence = "vendor spec"

    delete = "/deviceManagement/managedDevices/{device}"

    lookup "device_record" {}
    ambiguous "resend" {}
    readback {
      within = "5m"
      every  = "2s"
    }
    irreversible = "the device has to be enrolled anew"
  }

  awf "set_device_category" {
    achieves = "update"
    inputs = {
      device   = "text"
      category = "text"
    }
    evidence = "vendor spec; that a device without a category shows an id of zeros is recalled"

    put  = "/deviceManagement/managedDevices/{device}/deviceCategory/$ref"
    json = { "@odata.id" = concat(var.graph, "/deviceManagement/deviceCategories/", input.category) }

    lookup "category" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "set_device_category" {
      with = {
        device   = input.device
        category = snapshot.category
      }
    }
  }

  # Registration takes minutes; a serial number that is registered already is refused in the import's own record.
  awf "import_autopilot_device" {
    achieves = "create"
    inputs = {
      serial        = "text"
      hardware_hash = "text"
      group_tag     = "text"
    }
    optional = ["group_tag"]
    outputs  = { id = "text" }
    evidence = "vendor spec; how long a registration takes is recalled"
    samples  = { hardware_hash = "VGhlIGhhcmR3YXJlIGhhc2gu" }

    post = "/deviceManagement/importedWindowsAutopilotDeviceIdentities"
    json = {
      serialNumber       = input.serial
      hardwareIdentifier = input.hardware_hash
      groupTag           = input.group_tag
    }

    lookup "autopilot_device" {}
    ambiguous "probe" {
      window   = "20m"
      agreeing = 2
    }
    readback {
      within = "30m"
      every  = "20s"
    }
    undo "delete_autopilot_device" {
      with = { serial = input.serial }
      loss = "the record of the import stays"
    }
  }

  awf "delete_autopilot_device" {
    achieves = "remove"
    inputs   = { serial = "text" }
    evidence = "vendor spec; how long it takes is recalled"

    delete = "/deviceManagement/windowsAutopilotDeviceIdentities/{snapshot.id}"

    lookup "autopilot_device" {}
    ambiguous "resend" {}
    readback {
      within = "30m"
      every  = "20s"
    }
    irreversible = "the hardware hash cannot be read back: it is collected from the device again"
    forward      = "import_autopilot_device"
  }

  awf "assign_autopilot_user" {
    achieves = "create"
    inputs = {
      id   = "text"
      user = "text"
      name = "text"
    }
    optional = ["name"]
    personal = ["user", "name"]
    evidence = "vendor spec"

    post = "/deviceManagement/windowsAutopilotDeviceIdentities/{id}/assignUserToDevice"
    json = {
      userPrincipalName   = input.user
      addressableUserName = input.name
    }

    lookup "autopilot_user" {}
    ambiguous "probe" {
      window   = "2m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "10m"
      every  = "5s"
    }
    undo "unassign_autopilot_user" { with = { id = input.id } }
  }

  awf "unassign_autopilot_user" {
    achieves = "remove"
    inputs   = { id = "text" }
    evidence = "vendor spec"

    post = "/deviceManagement/windowsAutopilotDeviceIdentities/{id}/unassignUserFromDevice"

    lookup "autopilot_user" {}
    ambiguous "probe" {
      window   = "2m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "10m"
      every  = "5s"
    }
    undo "assign_autopilot_user" {
      with = {
        id   = input.id
        user = snapshot.user
        name = snapshot.name
      }
    }
  }

  # Nothing in a request says who made it: one that was never answered is looked for by a person.
  awf "collect_diagnostics" {
    inputs   = { device = "text" }
    outputs  = { request = "text" }
    evidence = "vendor spec; the schema has no `templateType`"
    samples  = { device = "3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1001" }

    post    = "/deviceManagement/managedDevices/{device}/logCollectionRequests"
    json    = { managedDeviceId = input.device }
    capture = { request = response.body.id }

    ambiguous "park" {}
    undo "delete_diagnostics" {
      with = {
        device  = input.device
        request = output.request
      }
    }
  }

  awf "delete_diagnostics" {
    achieves = "remove"
    inputs = {
      device  = "text"
      request = "text"
    }
    evidence = "vendor spec"

    delete = "/deviceManagement/managedDevices/{device}/logCollectionRequests/{request}"

    lookup "diagnostics" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    irreversible = "what was collected is collected again, as the device is then"
    forward      = "collect_diagnostics"
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

  read "autopilot_devices" {
    kind     = "autopilot_device"
    get      = "/deviceManagement/windowsAutopilotDeviceIdentities"
    evidence = "vendor spec"
    items    = response.body.value
    page "next_url" { next = response.body["@odata.nextLink"] }
    id = item.id
    text {
      serial     = item.serialNumber
      user_email = item.userPrincipalName
      group_tag  = item.groupTag
      device     = item.managedDeviceId
      state      = item.enrollmentState
      model      = item.model
    }
  }

  read "mobile_apps" {
    kind     = "mobile_app"
    get      = "/deviceAppManagement/mobileApps"
    evidence = "vendor spec"
    items    = response.body.value
    page "next_url" { next = response.body["@odata.nextLink"] }
    id      = item.id
    version = item.lastModifiedDateTime
    text {
      name      = item.displayName
      publisher = item.publisher
      platform  = item["@odata.type"]
    }
  }
}
