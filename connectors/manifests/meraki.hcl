# Cisco Meraki: devices of Systems Manager, clients of networks, administrators of the dashboard. There is no card: methods and
# paths are the catalogue's, what answers hold is recalled. A locked or wiped device does what it is told when it is next on.
manifest "meraki" {
  title  = "Cisco Meraki"
  domain = "devices"

  var "organization" {
    type    = "text"
    default = "1"
    about   = "the id of the organization whose networks are read"
  }

  auth "bearer" { part = "api_key" }

  headers = { accept = "application/json" }

  limit "organization" {
    rate        = 10
    per         = "1s"
    reserve     = 50
    concurrency = 5
  }

  message = coalesce(join(response.body.errors, "; "), response.body.message)

  error "absent" { when = response.status == 404 && contains(response.text, "not found") }
  error "conflict" { when = response.status == 400 && contains(response.text, "has already been taken") }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  # A tag of a device.
  lookup "tag" {
    inputs = {
      network = "text"
      serial  = "text"
      tag     = "text"
    }
    get = "/networks/{network}/sm/devices"
    query = {
      "serials[]" = input.serial
      perPage     = 100
    }
    items         = response.body
    where         = item.serialNumber == input.serial && contains(item.tags, input.tag)
    value         = "member"
    authoritative = true
    page "link" {}
  }

  # Whether a client is blocked on a network.
  lookup "block" {
    inputs = {
      network = "text"
      client  = "text"
    }
    get     = "/networks/{network}/clients/{client}/policy"
    absent  = response.body.devicePolicy != null && response.body.devicePolicy != "Blocked"
    present = response.body.devicePolicy == "Blocked"
    value   = "blocked"
    outputs = {
      policy       = response.body.devicePolicy
      group_policy = response.body.groupPolicyId
    }
    authoritative = true
  }

  # An administrator by address: the list is given whole.
  lookup "admin" {
    inputs = {
      organization = "text"
      email        = "text"
    }
    get   = "/organizations/{organization}/admins"
    items = response.body
    where = lower(item.email) == lower(input.email)
    value = "member"
    outputs = {
      admin  = item.id
      name   = item.name
      access = item.orgAccess
    }
    authoritative = true
  }

  awf "lock_sm_device" {
    inputs = {
      network = "text"
      serial  = "text"
      pin     = "int"
    }
    personal = ["pin"]
    optional = ["pin"]
    redact   = ["pin"]
    blast    = 1
    locks    = ["device:{serial}"]
    evidence = "catalogue; what the answer holds is recalled"

    put = "/networks/{network}/sm/devices/lock"
    json = {
      serials = [input.serial]
      pin     = input.pin
    }

    # A second lock with another PIN would leave nobody sure which one opens it.
    ambiguous "park" {}
    irreversible = "a locked device is opened at the device, with the PIN that was kept"
  }

  awf "wipe_sm_device" {
    inputs = {
      network = "text"
      serial  = "text"
      pin     = "int"
    }
    personal = ["pin"]
    optional = ["pin"]
    redact   = ["pin"]
    blast    = 1
    locks    = ["device:{serial}"]
    evidence = "catalogue; what the answer holds is recalled"

    put = "/networks/{network}/sm/device/wipe"
    json = {
      serial = input.serial
      pin    = input.pin
    }

    ambiguous "park" {}
    irreversible = "what stood on the device is gone; it is enrolled anew"
  }

  awf "tag_sm_devices" {
    achieves = "create"
    inputs = {
      network = "text"
      serial  = "text"
      tag     = "text"
    }
    locks    = ["device:{serial}"]
    evidence = "catalogue; how devices are listed is recalled"

    put = "/networks/{network}/sm/devices/tags"
    json = {
      serials      = [input.serial]
      tags         = [input.tag]
      updateAction = "add"
    }

    lookup "tag" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "untag_sm_devices" {
      with = {
        network = input.network
        serial  = input.serial
        tag     = input.tag
      }
      loss = "what the tag brought to the device is taken away when it next reports"
    }
  }

  awf "untag_sm_devices" {
    achieves = "remove"
    inputs = {
      network = "text"
      serial  = "text"
      tag     = "text"
    }
    locks    = ["device:{serial}"]
    evidence = "catalogue; how devices are listed is recalled"

    put = "/networks/{network}/sm/devices/tags"
    json = {
      serials      = [input.serial]
      tags         = [input.tag]
      updateAction = "delete"
    }

    lookup "tag" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    undo "tag_sm_devices" {
      with = {
        network = input.network
        serial  = input.serial
        tag     = input.tag
      }
      loss = "what the tag brought to the device comes back when it next reports"
    }
  }

  awf "block_network_client" {
    achieves = "create"
    inputs = {
      network = "text"
      client  = "text"
    }
    blast    = 1
    locks    = ["client:{network}/{client}"]
    evidence = "catalogue; what a policy answers is recalled"

    put  = "/networks/{network}/clients/{client}/policy"
    json = { devicePolicy = "Blocked" }

    lookup "block" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "unblock_network_client" {
      with = {
        network      = input.network
        client       = input.client
        policy       = snapshot.policy
        group_policy = snapshot.group_policy
      }
    }
  }

  # Without a policy it is `Normal`.
  awf "unblock_network_client" {
    achieves = "remove"
    inputs = {
      network      = "text"
      client       = "text"
      policy       = "text"
      group_policy = "text"
    }
    optional = ["policy", "group_policy"]
    locks    = ["client:{network}/{client}"]
    evidence = "catalogue; what a policy answers is recalled"

    put = "/networks/{network}/clients/{client}/policy"
    json = {
      devicePolicy  = contains(["Whitelisted", "Group policy"], input.policy) ? input.policy : "Normal"
      groupPolicyId = input.policy == "Group policy" ? input.group_policy : null
    }

    lookup "block" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "block_network_client" {
      with = {
        network = input.network
        client  = input.client
      }
    }
  }

  # An address is an administrator once: a second grant is refused.
  awf "grant_dashboard_admin" {
    achieves = "create"
    inputs = {
      organization = "text"
      email        = "text"
      name         = "text"
      access       = "text"
    }
    personal = ["email", "name"]
    outputs  = { admin = "text" }
    locks    = ["admin:{email}"]
    evidence = "catalogue; how administrators are listed is recalled"

    post = "/organizations/{organization}/admins"
    json = {
      email     = input.email
      name      = input.name
      orgAccess = input.access
    }
    capture = { admin = response.body.id }

    lookup "admin" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "revoke_dashboard_admin" {
      with = {
        organization = input.organization
        email        = input.email
      }
    }
  }

  awf "revoke_dashboard_admin" {
    achieves = "remove"
    inputs = {
      organization = "text"
      email        = "text"
    }
    personal = ["email"]
    locks    = ["admin:{email}"]
    evidence = "catalogue; how administrators are listed is recalled"

    delete = "/organizations/{organization}/admins/{snapshot.admin}"

    lookup "admin" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "grant_dashboard_admin" {
      with = {
        organization = input.organization
        email        = input.email
        name         = snapshot.name
        access       = snapshot.access
      }
      loss = "access to single networks and by tags, and the second factor, are not given back"
    }
  }

  read "networks" {
    kind     = "network"
    get      = "/organizations/{var.organization}/networks"
    query    = { perPage = 1000 }
    evidence = "recalled: what the devices' listing needs"
    items    = response.body
    page "link" {}
    id = item.id
    text { name = item.name }
  }

  read "sm_devices" {
    kind     = "sm_device"
    for_each = "network"
    get      = "/networks/{parent}/sm/devices"
    query    = { perPage = 1000 }
    evidence = "catalogue; the fields are recalled"
    # A network without Systems Manager has none.
    error "absent" { when = response.status == 400 && contains(response.text, "Systems Manager") }
    items = response.body
    page "link" {}
    id = item.id
    text {
      network  = input.parent
      name     = item.name
      serial   = item.serialNumber
      wifi_mac = item.wifiMac
      model    = item.systemModel
      os       = item.osName
      owner    = item.ownerEmail
    }
    texts { tags = item.tags }
  }
}
