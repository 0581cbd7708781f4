# Jamf Pro: computers, mobile devices, prestages, profiles. Two interfaces on one host: `/api` speaks JSON, the older `/JSSResource`
# takes XML alone and answers what `accept` asks for. Commands to devices are queued: the device may be off. The scope of a
# prestage has a version (`versionLock`), that of a profile and the set of a static group have none: those are read under a
# lock, merged and written whole.
manifest "jamf_pro" {
  title  = "Jamf Pro"
  domain = "devices"

  auth "two_step" {
    post    = "/api/v1/auth/token"
    in      = "basic"
    token   = "token"
    expires = "expires"
  }

  headers = { accept = "application/json" }

  limit "server" {
    rate        = 300
    per         = "1m"
    reserve     = 30
    concurrency = 5
  }

  message = coalesce(response.body.errors[0].description, response.body.errors[0].code)

  error "absent" { when = response.status == 404 && (response.body.errors[0].code == "INVALID_ID" || contains(response.body.errors[0].description, "not exist") || contains(response.body.errors[0].description, "not found")) }
  error "precondition_failed" { when = response.status == 409 && response.body.errors[0].code == "OPTIMISTIC_LOCK_FAILED" }
  error "conflict" { when = contains([400, 409], response.status) && contains(["DUPLICATE_FIELD", "ALREADY_SCOPED"], response.body.errors[0].code) }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  # Whose a computer is.
  lookup "computer_user" {
    inputs = { id = "text" }
    get    = "/api/v3/computers-inventory-detail/{id}"
    error "absent" { when = response.status == 404 && response.body.errors[0].code == "INVALID_ID" }
    present = response.body.id == input.id
    value   = coalesce(response.body.userAndLocation.username, "")
    outputs = {
      username   = coalesce(response.body.userAndLocation.username, "")
      email      = coalesce(response.body.userAndLocation.email, "")
      realname   = coalesce(response.body.userAndLocation.realname, "")
      department = coalesce(response.body.userAndLocation.departmentId, "-1")
      building   = coalesce(response.body.userAndLocation.buildingId, "-1")
    }
    authoritative = true
  }

  lookup "mobile_user" {
    inputs = { id = "text" }
    get    = "/api/v2/mobile-devices/{id}"
    error "absent" { when = response.status == 404 && response.body.errors[0].code == "INVALID_ID" }
    present       = response.body.id == input.id
    value         = coalesce(response.body.username, "")
    outputs       = { username = coalesce(response.body.username, "") }
    authoritative = true
  }

  # A computer of the inventory.
  lookup "computer" {
    inputs = { id = "text" }
    get    = "/api/v1/computers-inventory/{id}"
    query  = { section = "GENERAL" }
    error "absent" { when = response.status == 404 && response.body.errors[0].code == "INVALID_ID" }
    present       = response.body.id == input.id
    value         = "present"
    authoritative = true
  }

  # A computer that is managed.
  lookup "managed_computer" {
    inputs = { id = "text" }
    get    = "/api/v1/computers-inventory-detail/{id}"
    error "absent" { when = response.status == 404 && response.body.errors[0].code == "INVALID_ID" }
    absent        = response.body.id == input.id && response.body.general.remoteManagement.managed == false
    present       = response.body.id == input.id && response.body.general.remoteManagement.managed == true
    value         = "managed"
    authoritative = true
  }

  # Whether the scope of a prestage holds a computer, and the version of that scope.
  lookup "prestage" {
    inputs = {
      prestage = "text"
      serial   = "text"
    }
    get           = "/api/v2/computer-prestages/{prestage}/scope"
    items         = response.body.assignments
    where         = upper(item.serialNumber) == upper(input.serial)
    value         = "member"
    outputs       = { version_lock = response.body.versionLock }
    authoritative = true
  }

  lookup "mobile_prestage" {
    inputs = {
      prestage = "text"
      serial   = "text"
    }
    get           = "/api/v2/mobile-device-prestages/{prestage}/scope"
    items         = response.body.assignments
    where         = upper(item.serialNumber) == upper(input.serial)
    value         = "member"
    outputs       = { version_lock = response.body.versionLock }
    authoritative = true
  }

  # What is known beforehand of a device that will come, by its serial number.
  lookup "preload" {
    inputs = { serial = "text" }
    get    = "/api/v2/inventory-preload/records"
    query = {
      filter      = contains(input.serial, "\"") ? null : concat("serialNumber==\"", input.serial, "\"")
      page        = page.number
      "page-size" = 100
    }
    items         = response.body.results
    where         = upper(item.serialNumber) == upper(input.serial)
    value         = "present"
    outputs       = { record = item.id }
    authoritative = true
    page "number" {
      first = 0
      size  = 100
    }
  }

  lookup "preload_record" {
    inputs = { record = "text" }
    get    = "/api/v2/inventory-preload/records/{record}"
    error "absent" { when = response.status == 404 && response.body.errors[0].code == "INVALID_ID" }
    present = response.body.id == input.record
    value   = "present"
    outputs = {
      serial      = response.body.serialNumber
      device_type = response.body.deviceType
      username    = response.body.username
      full_name   = response.body.fullName
      email       = response.body.emailAddress
      department  = response.body.department
      building    = response.body.building
      asset_tag   = response.body.assetTag
    }
    authoritative = true
  }

  # Whether the scope of a profile holds a computer, all other computers of it, and everything else in the scope.
  lookup "profile" {
    inputs = {
      profile  = "int"
      computer = "int"
    }
    get           = "/JSSResource/osxconfigurationprofiles/id/{profile}"
    evidence      = "recalled: the shape of the JSON answer"
    items         = response.body.os_x_configuration_profile.scope.computers
    where         = item.id == input.computer
    value         = "member"
    gather        = { others = item.id == input.computer ? null : { id = item.id } }
    outputs = {
      all_computers             = coalesce(response.body.os_x_configuration_profile.scope.all_computers, false)
      all_jss_users             = coalesce(response.body.os_x_configuration_profile.scope.all_jss_users, false)
      buildings                 = list(response.body.os_x_configuration_profile.scope.buildings)
      departments               = list(response.body.os_x_configuration_profile.scope.departments)
      computer_groups           = list(response.body.os_x_configuration_profile.scope.computer_groups)
      jss_users                 = list(response.body.os_x_configuration_profile.scope.jss_users)
      jss_user_groups           = list(response.body.os_x_configuration_profile.scope.jss_user_groups)
      limited_users             = list(response.body.os_x_configuration_profile.scope.limitations.users)
      limited_user_groups       = list(response.body.os_x_configuration_profile.scope.limitations.user_groups)
      limited_network_segments  = list(response.body.os_x_configuration_profile.scope.limitations.network_segments)
      limited_ibeacons          = list(response.body.os_x_configuration_profile.scope.limitations.ibeacons)
      excluded_computers        = list(response.body.os_x_configuration_profile.scope.exclusions.computers)
      excluded_buildings        = list(response.body.os_x_configuration_profile.scope.exclusions.buildings)
      excluded_departments      = list(response.body.os_x_configuration_profile.scope.exclusions.departments)
      excluded_computer_groups  = list(response.body.os_x_configuration_profile.scope.exclusions.computer_groups)
      excluded_users            = list(response.body.os_x_configuration_profile.scope.exclusions.users)
      excluded_user_groups      = list(response.body.os_x_configuration_profile.scope.exclusions.user_groups)
      excluded_network_segments = list(response.body.os_x_configuration_profile.scope.exclusions.network_segments)
      excluded_ibeacons         = list(response.body.os_x_configuration_profile.scope.exclusions.ibeacons)
      excluded_jss_users        = list(response.body.os_x_configuration_profile.scope.exclusions.jss_users)
      excluded_jss_user_groups  = list(response.body.os_x_configuration_profile.scope.exclusions.jss_user_groups)
    }
    authoritative = true
  }

  # A user of the older directory, by the id.
  lookup "user" {
    inputs = { id = "int" }
    get    = "/JSSResource/users/id/{id}"
    error "absent" { when = response.status == 404 && contains(response.text, "The server has not found anything matching the request URI") }
    present = response.body.user.id == input.id
    value   = "present"
    outputs = {
      name  = response.body.user.name
      email = response.body.user.email
    }
    authoritative = true
  }

  awf "lock_computer" {
    inputs = {
      management_id = "text"
      pin           = "text"
      message       = "text"
    }
    personal = ["pin", "message"]
    optional = ["message"]
    outputs  = { command = "text" }
    redact   = ["pin"]
    blast    = 1
    locks    = ["device:{management_id}"]
    evidence = "vendor spec; the words of the filter are recalled"

    post = "/api/v2/mdm/commands"
    json = {
      clientData = [{ managementId = input.management_id }]
      commandData = {
        commandType = "DEVICE_LOCK"
        pin         = input.pin
        message     = input.message
      }
    }
    capture = { command = response.body[0].id }
    # The command is queued; the device takes it when it is next on.
    poll {
      get = "/api/v2/mdm/commands"
      query = {
        filter      = concat("uuid==\"", output.command, "\"")
        page        = 0
        "page-size" = 10
      }
      done   = contains(["PENDING", "NOT_NOW", "ACKNOWLEDGED"], response.body.results[0].commandState)
      fail   = contains(["ERROR", "COMMAND_FORMAT_ERROR"], response.body.results[0].commandState)
      every  = "5s"
      within = "2m"
    }

    # A second lock with another PIN would leave nobody sure which one opens it.
    ambiguous "park" {}
    irreversible = "a locked computer is opened at the computer, with the PIN that was kept"
  }

  awf "erase_computer" {
    inputs = {
      id  = "text"
      pin = "text"
    }
    personal = ["pin"]
    optional = ["pin"]
    outputs  = { command = "text" }
    redact   = ["pin"]
    blast    = 1
    locks    = ["computer:{id}"]
    evidence = "vendor spec"

    post    = "/api/v1/computer-inventory/{id}/erase"
    json    = { pin = input.pin }
    capture = { command = response.body.commandUuid }
    # The command is queued; the device takes it when it is next on.
    poll {
      get = "/api/v2/mdm/commands"
      query = {
        filter      = concat("uuid==\"", output.command, "\"")
        page        = 0
        "page-size" = 10
      }
      done   = contains(["PENDING", "NOT_NOW", "ACKNOWLEDGED"], response.body.results[0].commandState)
      fail   = contains(["ERROR", "COMMAND_FORMAT_ERROR"], response.body.results[0].commandState)
      every  = "5s"
      within = "2m"
    }

    ambiguous "park" {}
    irreversible = "what stood on the computer is gone; it is enrolled anew by its prestage"
  }

  awf "erase_mobile_device" {
    inputs = {
      id                = "text"
      return_to_service = "bool"
    }
    optional = ["return_to_service"]
    outputs  = { command = "text" }
    blast    = 1
    locks    = ["mobile:{id}"]
    evidence = "vendor spec"

    post = "/api/v2/mobile-devices/{id}/erase"
    json = {
      preserveDataPlan = true
      returnToService  = coalesce(input.return_to_service, false)
    }
    capture = { command = response.body.commandUuid }
    # The command is queued; the device takes it when it is next on.
    poll {
      get = "/api/v2/mdm/commands"
      query = {
        filter      = concat("uuid==\"", output.command, "\"")
        page        = 0
        "page-size" = 10
      }
      done   = contains(["PENDING", "NOT_NOW", "ACKNOWLEDGED"], response.body.results[0].commandState)
      fail   = contains(["ERROR", "COMMAND_FORMAT_ERROR"], response.body.results[0].commandState)
      every  = "5s"
      within = "2m"
    }

    ambiguous "park" {}
    irreversible = "what stood on the device is gone; it is enrolled anew"
  }

  awf "unmanage_mobile_device" {
    inputs   = { id = "text" }
    outputs  = { command = "text" }
    blast    = 1
    locks    = ["mobile:{id}"]
    evidence = "vendor spec"

    post    = "/api/v2/mobile-devices/{id}/unmanage"
    capture = { command = response.body.commandUuid }
    # The command is queued; the device takes it when it is next on.
    poll {
      get = "/api/v2/mdm/commands"
      query = {
        filter      = concat("uuid==\"", output.command, "\"")
        page        = 0
        "page-size" = 10
      }
      done   = contains(["PENDING", "NOT_NOW", "ACKNOWLEDGED"], response.body.results[0].commandState)
      fail   = contains(["ERROR", "COMMAND_FORMAT_ERROR"], response.body.results[0].commandState)
      every  = "5s"
      within = "2m"
    }

    ambiguous "park" {}
    irreversible = "a device that is not managed takes no commands: it is enrolled anew at the device"
  }

  awf "remove_mdm_profile" {
    achieves = "remove"
    inputs   = { id = "text" }
    blast    = 1
    locks    = ["computer:{id}"]
    evidence = "vendor spec; where the inventory says that a computer is managed is recalled"

    post = "/api/v1/computer-inventory/{id}/remove-mdm-profile"

    lookup "managed_computer" {}
    # A profile is removed once.
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "15m"
      every  = "15s"
    }
    undo "redeploy_framework" {
      with = { id = input.id }
      loss = "the management framework comes back, and the profile only where the person approves it at the computer"
    }
  }

  awf "redeploy_framework" {
    inputs   = { id = "text" }
    locks    = ["computer:{id}"]
    evidence = "vendor spec"

    post = "/api/v1/jamf-management-framework/redeploy/{id}"

    ambiguous "park" {}
    nothing_to_undo = "it repairs what should be there"
  }

  awf "renew_mdm_profile" {
    inputs   = { udid = "text" }
    evidence = "vendor spec"

    post = "/api/v1/mdm/renew-profile"
    json = { udids = [input.udid] }
    ok   = contains([200, 202], response.status) && length(list(response.body.udidsNotProcessed.udids)) == 0

    ambiguous "park" {}
    nothing_to_undo = "it repairs what should be there"
  }

  # What is not given is left as it is; `-1` is no department and no building.
  awf "assign_user_to_computer" {
    achieves = "update"
    inputs = {
      id         = "text"
      username   = "text"
      email      = "text"
      realname   = "text"
      department = "text"
      building   = "text"
    }
    personal = ["username", "email", "realname"]
    optional = ["email", "realname", "department", "building"]
    locks    = ["computer:{id}"]
    evidence = "vendor spec"

    patch = "/api/v3/computers-inventory-detail/{id}"
    json = {
      userAndLocation = {
        username     = input.username
        email        = input.email
        realname     = input.realname
        departmentId = input.department
        buildingId   = input.building
      }
    }

    lookup "computer_user" {}
    # The same values a second time change nothing.
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "assign_user_to_computer" {
      with = {
        id         = input.id
        username   = snapshot.username
        email      = snapshot.email
        realname   = snapshot.realname
        department = snapshot.department
        building   = snapshot.building
      }
    }
  }

  awf "assign_user_to_mobile" {
    achieves = "update"
    inputs = {
      id       = "text"
      username = "text"
    }
    personal = ["username"]
    locks    = ["mobile:{id}"]
    evidence = "vendor spec"

    patch = "/api/v2/mobile-devices/{id}"
    json  = { location = { username = input.username } }

    lookup "mobile_user" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "assign_user_to_mobile" {
      with = {
        id       = input.id
        username = snapshot.username
      }
    }
  }

  # A scope that changed meanwhile has another version: the call is refused, and nothing of it holds.
  awf "add_to_prestage" {
    achieves = "create"
    inputs = {
      prestage = "text"
      serial   = "text"
    }
    locks    = ["prestage:{prestage}"]
    samples  = { version_lock = 1 }
    evidence = "vendor spec; the word of a version that is too old is from reports of its clients"

    post = "/api/v2/computer-prestages/{prestage}/scope"
    json = {
      serialNumbers = [input.serial]
      versionLock   = snapshot.version_lock
    }

    lookup "prestage" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "remove_from_prestage" {
      with = {
        prestage = input.prestage
        serial   = input.serial
      }
    }
  }

  awf "remove_from_prestage" {
    achieves = "remove"
    inputs = {
      prestage = "text"
      serial   = "text"
    }
    locks    = ["prestage:{prestage}"]
    samples  = { version_lock = 1 }
    evidence = "vendor spec; the word of a version that is too old is from reports of its clients"

    post = "/api/v2/computer-prestages/{prestage}/scope/delete-multiple"
    json = {
      serialNumbers = [input.serial]
      versionLock   = snapshot.version_lock
    }

    lookup "prestage" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "add_to_prestage" {
      with = {
        prestage = input.prestage
        serial   = input.serial
      }
      loss = "the day of the assignment is a new one"
    }
  }

  awf "add_mobile_to_prestage" {
    achieves = "create"
    inputs = {
      prestage = "text"
      serial   = "text"
    }
    locks    = ["mobile_prestage:{prestage}"]
    samples  = { version_lock = 1 }
    evidence = "vendor spec; the word of a version that is too old is from reports of its clients"

    post = "/api/v2/mobile-device-prestages/{prestage}/scope"
    json = {
      serialNumbers = [input.serial]
      versionLock   = snapshot.version_lock
    }

    lookup "mobile_prestage" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "remove_mobile_from_prestage" {
      with = {
        prestage = input.prestage
        serial   = input.serial
      }
    }
  }

  awf "remove_mobile_from_prestage" {
    achieves = "remove"
    inputs = {
      prestage = "text"
      serial   = "text"
    }
    locks    = ["mobile_prestage:{prestage}"]
    samples  = { version_lock = 1 }
    evidence = "vendor spec; the word of a version that is too old is from reports of its clients"

    post = "/api/v2/mobile-device-prestages/{prestage}/scope/delete-multiple"
    json = {
      serialNumbers = [input.serial]
      versionLock   = snapshot.version_lock
    }

    lookup "mobile_prestage" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "add_mobile_to_prestage" {
      with = {
        prestage = input.prestage
        serial   = input.serial
      }
      loss = "the day of the assignment is a new one"
    }
  }

  # A serial number has one record: a second one is refused.
  awf "preload_inventory_record" {
    achieves = "create"
    inputs = {
      serial      = "text"
      device_type = "text"
      username    = "text"
      full_name   = "text"
      email       = "text"
      department  = "text"
      building    = "text"
      asset_tag   = "text"
    }
    personal = ["username", "full_name", "email"]
    optional = ["device_type", "username", "full_name", "email", "department", "building", "asset_tag"]
    outputs  = { record = "text" }
    locks    = ["preload:{serial}"]
    evidence = "vendor spec; that numbers are unique is recalled"

    post = "/api/v2/inventory-preload/records"
    json = {
      serialNumber = input.serial
      deviceType   = contains(["Computer", "Mobile Device"], input.device_type) ? input.device_type : "Computer"
      username     = input.username
      fullName     = input.full_name
      emailAddress = input.email
      department   = input.department
      building     = input.building
      assetTag     = input.asset_tag
    }
    capture = { record = response.body.id }

    lookup "preload" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "delete_preload_record" { with = { record = output.record } }
  }

  awf "delete_preload_record" {
    achieves = "remove"
    inputs   = { record = "text" }
    evidence = "vendor spec"

    delete = "/api/v2/inventory-preload/records/{record}"
    error "absent" { when = response.status == 404 && response.body.errors[0].code == "INVALID_ID" }

    lookup "preload_record" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "preload_inventory_record" {
      with = {
        serial      = snapshot.serial
        device_type = snapshot.device_type
        username    = snapshot.username
        full_name   = snapshot.full_name
        email       = snapshot.email
        department  = snapshot.department
        building    = snapshot.building
        asset_tag   = snapshot.asset_tag
      }
      loss = "the record comes back under a new id, without what was known of its purchase"
    }
  }

  # What is written is the whole set, and the description gives no call that lists it: whoever writes it says it whole, also
  # what it was before.
  awf "update_static_group" {
    inputs = {
      group     = "text"
      name      = "text"
      computers = "list(text)"
      before    = "list(text)"
    }
    locks    = ["static_group:{group}"]
    evidence = "vendor spec"

    put = "/api/v2/computer-groups/static-groups/{group}"
    json = {
      name        = input.name
      assignments = input.computers
    }

    ambiguous "resend" {}
    undo "update_static_group" {
      with = {
        group     = input.group
        name      = input.name
        computers = input.before
        before    = input.computers
      }
      loss = "what others put into the group meanwhile is overwritten"
    }
  }

  # The scope of a profile is written whole; a computer stands in it once.
  awf "push_config_profile" {
    achieves = "create"
    inputs = {
      profile  = "int"
      computer = "int"
    }
    locks    = ["profile:{profile}"]
    evidence = "vendor spec; the members of the scope are recalled"

    put          = "/JSSResource/osxconfigurationprofiles/id/{profile}"
    content_type = "application/xml"
    answers      = "nothing"
    xml = {
      os_x_configuration_profile = {
        scope = {
          all_computers = snapshot.all_computers
          all_jss_users = snapshot.all_jss_users
          computers     = { computer = with(snapshot.others, { id = input.computer }) }
          buildings       = { building = snapshot.buildings }
          departments     = { department = snapshot.departments }
          computer_groups = { computer_group = snapshot.computer_groups }
          jss_users       = { user = snapshot.jss_users }
          jss_user_groups = { user_group = snapshot.jss_user_groups }
          limitations = {
            users            = { user = snapshot.limited_users }
            user_groups      = { user_group = snapshot.limited_user_groups }
            network_segments = { network_segment = snapshot.limited_network_segments }
            ibeacons         = { ibeacon = snapshot.limited_ibeacons }
          }
          exclusions = {
            computers        = { computer = snapshot.excluded_computers }
            buildings        = { building = snapshot.excluded_buildings }
            departments      = { department = snapshot.excluded_departments }
            computer_groups  = { computer_group = snapshot.excluded_computer_groups }
            users            = { user = snapshot.excluded_users }
            user_groups      = { user_group = snapshot.excluded_user_groups }
            network_segments = { network_segment = snapshot.excluded_network_segments }
            ibeacons         = { ibeacon = snapshot.excluded_ibeacons }
            jss_users        = { user = snapshot.excluded_jss_users }
            jss_user_groups  = { user_group = snapshot.excluded_jss_user_groups }
          }
        }
      }
    }

    lookup "profile" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "remove_config_profile" {
      with = {
        profile  = input.profile
        computer = input.computer
      }
    }
  }

  awf "remove_config_profile" {
    achieves = "remove"
    inputs = {
      profile  = "int"
      computer = "int"
    }
    locks    = ["profile:{profile}"]
    evidence = "vendor spec; the members of the scope are recalled"

    put          = "/JSSResource/osxconfigurationprofiles/id/{profile}"
    content_type = "application/xml"
    answers      = "nothing"
    xml = {
      os_x_configuration_profile = {
        scope = {
          all_computers = snapshot.all_computers
          all_jss_users = snapshot.all_jss_users
          computers     = { computer = snapshot.others }
          buildings       = { building = snapshot.buildings }
          departments     = { department = snapshot.departments }
          computer_groups = { computer_group = snapshot.computer_groups }
          jss_users       = { user = snapshot.jss_users }
          jss_user_groups = { user_group = snapshot.jss_user_groups }
          limitations = {
            users            = { user = snapshot.limited_users }
            user_groups      = { user_group = snapshot.limited_user_groups }
            network_segments = { network_segment = snapshot.limited_network_segments }
            ibeacons         = { ibeacon = snapshot.limited_ibeacons }
          }
          exclusions = {
            computers        = { computer = snapshot.excluded_computers }
            buildings        = { building = snapshot.excluded_buildings }
            departments      = { department = snapshot.excluded_departments }
            computer_groups  = { computer_group = snapshot.excluded_computer_groups }
            users            = { user = snapshot.excluded_users }
            user_groups      = { user_group = snapshot.excluded_user_groups }
            network_segments = { network_segment = snapshot.excluded_network_segments }
            ibeacons         = { ibeacon = snapshot.excluded_ibeacons }
            jss_users        = { user = snapshot.excluded_jss_users }
            jss_user_groups  = { user_group = snapshot.excluded_jss_user_groups }
          }
        }
      }
    }

    lookup "profile" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "push_config_profile" {
      with = {
        profile  = input.profile
        computer = input.computer
      }
    }
  }

  awf "delete_computer_record" {
    achieves = "remove"
    inputs   = { id = "text" }
    blast    = 1
    locks    = ["computer:{id}"]
    evidence = "vendor spec"

    delete = "/api/v1/computers-inventory/{id}"
    error "absent" { when = response.status == 404 && response.body.errors[0].code == "INVALID_ID" }

    lookup "computer" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    irreversible = "the record and its history are gone; a computer that is enrolled anew gets a new one"
  }

  # `0` in place of the id lets the server choose one: so the id is ours.
  awf "create_user" {
    achieves = "create"
    inputs = {
      id    = "int"
      name  = "text"
      email = "text"
    }
    personal = ["name", "email"]
    optional = ["email"]
    locks    = ["user:{id}"]
    evidence = "vendor spec; the members of the body, and that the server keeps an id that is given, are recalled"

    post         = "/JSSResource/users/id/{id}"
    content_type = "application/xml"
    answers      = "nothing"
    xml = {
      user = {
        name  = input.name
        email = input.email
      }
    }

    # Names are unique: a second creation is refused.
    lookup "user" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "delete_user" { with = { id = input.id } }
  }

  awf "delete_user" {
    achieves = "remove"
    inputs   = { id = "int" }
    blast    = 1
    locks    = ["user:{id}"]
    evidence = "vendor spec"

    delete  = "/JSSResource/users/id/{id}"
    answers = "nothing"
    error "absent" { when = response.status == 404 && contains(response.text, "The server has not found anything matching the request URI") }

    lookup "user" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "create_user" {
      with = {
        id    = input.id
        name  = snapshot.name
        email = snapshot.email
      }
      loss = "devices and licences are not linked to the user any more"
    }
  }

  read "computers" {
    kind = "computer"
    get  = "/api/v3/computers-inventory"
    query = {
      section     = ["GENERAL", "HARDWARE", "USER_AND_LOCATION", "OPERATING_SYSTEM", "DISK_ENCRYPTION"]
      sort        = "id:asc"
      filter      = page.delta
      page        = page.number
      "page-size" = 500
    }
    evidence = "vendor spec; the words of the filter are recalled"
    ok       = response.status == 200 && response.body.totalCount != null
    items    = response.body.results
    page "number" {
      first = 0
      size  = 500
    }
    delta "filter" {
      overlap = "1h"
      since   = concat("general.reportDate>\"", page.since, "\"")
    }
    id      = item.id
    version = item.general.reportDate
    text {
      udid          = item.udid
      name          = item.general.name
      management_id = item.general.managementId
      asset_tag     = item.general.assetTag
      serial        = item.hardware.serialNumber
      model         = item.hardware.model
      username      = item.userAndLocation.username
      email         = item.userAndLocation.email
      os_version    = item.operatingSystem.version
    }
    bool {
      managed   = item.general.remoteManagement.managed
      encrypted = item.diskEncryption.fileVault2Enabled
    }
  }

  read "mobile_devices" {
    kind = "mobile_device"
    get  = "/api/v2/mobile-devices"
    query = {
      sort        = "id:asc"
      page        = page.number
      "page-size" = 500
    }
    evidence = "vendor spec"
    ok       = response.status == 200 && response.body.totalCount != null
    items    = response.body.results
    page "number" {
      first = 0
      size  = 500
    }
    id = item.id
    text {
      name          = item.name
      serial        = item.serialNumber
      username      = item.username
      management_id = item.managementId
      udid          = item.udid
      model         = item.model
    }
  }

  read "mdm_commands" {
    kind = "mdm_command"
    get  = "/api/v2/mdm/commands"
    query = {
      sort        = "dateSent:asc"
      filter      = page.delta
      page        = page.number
      "page-size" = 500
    }
    evidence = "vendor spec; the words of the filter are recalled"
    ok       = response.status == 200 && response.body.totalCount != null
    items    = response.body.results
    page "number" {
      first = 0
      size  = 500
    }
    delta "filter" {
      overlap = "1h"
      since   = concat("dateCompleted=gt=\"", page.since, "\"")
    }
    id = item.uuid
    text {
      type          = item.commandType
      state         = item.commandState
      management_id = item.client.managementId
      sent          = item.dateSent
      completed     = item.dateCompleted
    }
  }
}
