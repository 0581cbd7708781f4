# Google endpoints: Chromebooks and phones by the Directory API, Android by the Android Management API, which has an address
# of its own. A change of several devices at once answers 200 and says for each device whether it worked.
manifest "google_endpoint" {
  title   = "Google endpoint management"
  domain  = "devices"
  extends = "google"

  var "customer" {
    type    = "text"
    default = "my_customer"
  }

  var "enterprise" {
    type  = "text"
    about = "the id of the Android enterprise"
  }

  var "android_url" {
    type    = "text"
    default = "https://androidmanagement.googleapis.com"
  }

  auth "google_service_account" {
    scopes = [
      "https://www.googleapis.com/auth/admin.directory.device.chromeos",
      "https://www.googleapis.com/auth/admin.directory.device.mobile",
      "https://www.googleapis.com/auth/androidmanagement"
    ]
    subject = "var:delegate"
  }

  limit "project" {
    rate        = 1500
    per         = "1m"
    reserve     = 50
    concurrency = 5
  }

  # A Chromebook that is in use. In other states than these two (deprovisioned, not enrolled yet) nothing is known of it here.
  lookup "active_chromebook" {
    inputs        = { device = "text" }
    get           = "/admin/directory/v1/customer/{var.customer}/devices/chromeos/{device}"
    query         = { projection = "BASIC" }
    absent        = response.body.deviceId == input.device && response.body.status == "DISABLED"
    present       = response.body.deviceId == input.device && response.body.status == "ACTIVE"
    value         = "active"
    authoritative = true
  }

  lookup "chromebook_ou" {
    inputs = { device = "text" }
    get    = "/admin/directory/v1/customer/{var.customer}/devices/chromeos/{device}"
    query  = { projection = "BASIC" }
    error "absent" { when = response.status == 404 && response.body.error.errors[0].reason == "notFound" }
    present       = response.body.deviceId == input.device && response.body.orgUnitPath != null
    value         = response.body.orgUnitPath
    outputs       = { org_unit = response.body.orgUnitPath }
    authoritative = true
  }

  # One of the notes on a Chromebook, and all of them: a change writes the others as they were.
  lookup "annotation" {
    inputs = {
      device    = "text"
      attribute = "text"
    }
    get   = "/admin/directory/v1/customer/{var.customer}/devices/chromeos/{device}"
    query = { projection = "BASIC" }
    error "absent" { when = response.status == 404 && response.body.error.errors[0].reason == "notFound" }
    present = response.body.deviceId == input.device
    value   = contains(["annotatedUser", "annotatedAssetId", "annotatedLocation", "notes"], input.attribute) ? coalesce(member(response.body, input.attribute), "") : null
    outputs = {
      value    = coalesce(member(response.body, input.attribute), "")
      user     = coalesce(response.body.annotatedUser, "")
      asset    = coalesce(response.body.annotatedAssetId, "")
      location = coalesce(response.body.annotatedLocation, "")
      notes    = coalesce(response.body.notes, "")
    }
    authoritative = true
  }

  # A phone that may reach the customer's data.
  lookup "approved_mobile" {
    inputs        = { device = "text" }
    get           = "/admin/directory/v1/customer/{var.customer}/devices/mobile/{device}"
    absent        = response.body.resourceId == input.device && response.body.status == "BLOCKED"
    present       = response.body.resourceId == input.device && response.body.status == "APPROVED"
    value         = "approved"
    authoritative = true
  }

  # The account on a phone, until it is taken off.
  lookup "mobile_account" {
    inputs        = { device = "text" }
    get           = "/admin/directory/v1/customer/{var.customer}/devices/mobile/{device}"
    absent        = response.body.resourceId == input.device && contains(["ACCOUNT_WIPED", "ACCOUNT_WIPING", "WIPED", "WIPING"], response.body.status)
    present       = response.body.resourceId == input.device && contains(["APPROVED", "BLOCKED", "PENDING"], response.body.status)
    value         = "present"
    authoritative = true
  }

  # Policies are named by their ids alone; the answer shows the whole name.
  lookup "android_policy" {
    inputs = { device = "text" }
    base   = "var:android_url"
    get    = "/v1/enterprises/{var.enterprise}/devices/{device}"
    error "absent" { when = response.status == 404 && response.body.error.status == "NOT_FOUND" }
    present       = after_last(response.body.name, "/") == input.device
    value         = coalesce(after_last(response.body.policyName, "/"), "")
    outputs       = { policy = coalesce(after_last(response.body.policyName, "/"), "") }
    authoritative = true
  }

  lookup "enrollment_token" {
    inputs = { token = "text" }
    base   = "var:android_url"
    get    = "/v1/enterprises/{var.enterprise}/enrollmentTokens/{token}"
    error "absent" { when = response.status == 404 && response.body.error.status == "NOT_FOUND" }
    present       = after_last(response.body.name, "/") == input.token
    value         = "issued"
    authoritative = true
  }

  awf "disable_chromebook" {
    achieves = "remove"
    inputs   = { device = "text" }
    blast    = 1
    evidence = "vendor spec"

    post = "/admin/directory/v1/customer/{var.customer}/devices/chromeos:batchChangeStatus"
    json = {
      deviceIds                        = [input.device]
      changeChromeOsDeviceStatusAction = "CHANGE_CHROME_OS_DEVICE_STATUS_ACTION_DISABLE"
    }
    error "invalid" { when = response.status == 200 && response.body.changeChromeOsDeviceStatusResults[0].error != null }

    lookup "active_chromebook" {}
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "10m"
      every  = "5s"
    }
    undo "reenable_chromebook" { with = { device = input.device } }
  }

  awf "reenable_chromebook" {
    achieves = "create"
    inputs   = { device = "text" }
    evidence = "vendor spec"

    post = "/admin/directory/v1/customer/{var.customer}/devices/chromeos:batchChangeStatus"
    json = {
      deviceIds                        = [input.device]
      changeChromeOsDeviceStatusAction = "CHANGE_CHROME_OS_DEVICE_STATUS_ACTION_REENABLE"
    }
    error "invalid" { when = response.status == 200 && response.body.changeChromeOsDeviceStatusResults[0].error != null }

    lookup "active_chromebook" {}
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "10m"
      every  = "5s"
    }
    undo "disable_chromebook" { with = { device = input.device } }
  }

  awf "move_chromebook_ou" {
    achieves = "update"
    inputs = {
      device   = "text"
      org_unit = "text"
    }
    evidence = "vendor spec"

    post  = "/admin/directory/v1/customer/{var.customer}/devices/chromeos/moveDevicesToOu"
    query = { orgUnitPath = input.org_unit }
    json  = { deviceIds = [input.device] }

    lookup "chromebook_ou" {}
    # Whoever moves a device twice to the same place has moved it once.
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "10m"
      every  = "5s"
    }
    undo "move_chromebook_ou" {
      with = {
        device   = input.device
        org_unit = snapshot.org_unit
      }
    }
  }

  # The command waits until the device is on line, for days if need be, and its id is known from this answer only.
  awf "remote_powerwash" {
    inputs   = { device = "text" }
    outputs  = { command = "text" }
    blast    = 1
    evidence = "vendor spec"

    post    = "/admin/directory/v1/customer/{var.customer}/devices/chromeos/{device}:issueCommand"
    json    = { commandType = "REMOTE_POWERWASH" }
    capture = { command = response.body.commandId }

    ambiguous "park" {}
    irreversible = "what was on the device is gone; it is enrolled anew"
  }

  # One note at a time: `annotatedUser`, `annotatedAssetId`, `annotatedLocation`, `notes`.
  awf "annotate_chromebook" {
    achieves = "update"
    inputs = {
      device    = "text"
      attribute = "text"
      value     = "text"
    }
    personal = ["value"]
    locks    = ["annotations:{device}"]
    evidence = "vendor spec"
    samples  = { attribute = "annotatedUser" }

    put = "/admin/directory/v1/customer/{var.customer}/devices/chromeos/{device}"
    json = {
      annotatedUser     = input.attribute == "annotatedUser" ? input.value : snapshot.user
      annotatedAssetId  = input.attribute == "annotatedAssetId" ? input.value : snapshot.asset
      annotatedLocation = input.attribute == "annotatedLocation" ? input.value : snapshot.location
      notes             = input.attribute == "notes" ? input.value : snapshot.notes
    }

    lookup "annotation" {}
    ambiguous "resend" {}
    readback {
      within = "5m"
      every  = "2s"
    }
    undo "annotate_chromebook" {
      with = {
        device    = input.device
        attribute = input.attribute
        value     = snapshot.value
      }
    }
  }

  awf "wipe_mobile_account" {
    achieves = "remove"
    inputs   = { device = "text" }
    blast    = 1
    evidence = "vendor spec; the words of a phone's status are recalled"

    post = "/admin/directory/v1/customer/{var.customer}/devices/mobile/{device}/action"
    json = { action = "admin_account_wipe" }

    lookup "mobile_account" {}
    # What is taken off is not there to be taken off again.
    ambiguous "probe" {
      window   = "2m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "10m"
      every  = "5s"
    }
    irreversible = "the person adds the account again"
  }

  awf "block_mobile" {
    achieves = "remove"
    inputs   = { device = "text" }
    evidence = "vendor spec; the words of a phone's status are recalled"

    post = "/admin/directory/v1/customer/{var.customer}/devices/mobile/{device}/action"
    json = { action = "block" }

    lookup "approved_mobile" {}
    ambiguous "probe" {
      window   = "2m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "10m"
      every  = "5s"
    }
    undo "unblock_mobile" { with = { device = input.device } }
  }

  awf "unblock_mobile" {
    achieves = "create"
    inputs   = { device = "text" }
    evidence = "vendor spec; the words of a phone's status are recalled"

    post = "/admin/directory/v1/customer/{var.customer}/devices/mobile/{device}/action"
    json = { action = "approve" }

    lookup "approved_mobile" {}
    ambiguous "probe" {
      window   = "2m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "10m"
      every  = "5s"
    }
    undo "block_mobile" { with = { device = input.device } }
  }

  # A device that is locked twice is locked: one command takes the place of the other.
  awf "lock_android" {
    inputs   = { device = "text" }
    locks    = ["lock:{device}"]
    evidence = "vendor spec"

    base = "var:android_url"
    post = "/v1/enterprises/{var.enterprise}/devices/{device}:issueCommand"
    json = { type = "LOCK" }

    ambiguous "resend" { replaces_within = "15m" }
    nothing_to_undo = "the person unlocks it with the passcode that it had"
  }

  awf "set_android_policy" {
    achieves = "update"
    inputs = {
      device = "text"
      policy = "text"
    }
    evidence = "vendor spec"

    base  = "var:android_url"
    patch = "/v1/enterprises/{var.enterprise}/devices/{device}"
    query = { updateMask = "policyName" }
    json  = { policyName = input.policy }

    # Policies are named by their ids alone; the answer shows the whole name.
  lookup "android_policy" {}
    ambiguous "probe" {
      window   = "1m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "5m"
      every  = "2s"
    }
    undo "set_android_policy" {
      with = {
        device = input.device
        policy = snapshot.policy
      }
    }
  }

  # The token's value and picture are secrets that enrol a device: they go to a step that reads the outputs, and nowhere else.
  # Nothing in a listing says whose a token is.
  awf "create_android_enrollment_token" {
    inputs = {
      policy   = "text"
      duration = "text"
      once     = "bool"
    }
    optional = ["duration", "once"]
    redact   = ["value", "qr_code"]
    outputs = {
      token   = "text"
      value   = "text"
      qr_code = "text"
    }
    evidence = "vendor spec"
    samples  = { duration = "3600s" }

    base = "var:android_url"
    post = "/v1/enterprises/{var.enterprise}/enrollmentTokens"
    json = {
      policyName     = input.policy
      duration       = input.duration
      oneTimeOnly    = input.once
      additionalData = key
    }
    capture = {
      token   = after_last(response.body.name, "/")
      value   = response.body.value
      qr_code = response.body.qrCode
    }

    ambiguous "park" {}
    undo "delete_android_enrollment_token" { with = { token = output.token } }
  }

  awf "delete_android_enrollment_token" {
    achieves = "remove"
    inputs   = { token = "text" }
    evidence = "vendor spec"

    base   = "var:android_url"
    delete = "/v1/enterprises/{var.enterprise}/enrollmentTokens/{token}"

    lookup "enrollment_token" {}
    ambiguous "resend" {}
    readback {
      within = "2m"
      every  = "2s"
    }
    irreversible = "a token is not made again with the same value"
    forward      = "create_android_enrollment_token"
  }

  read "chromebooks" {
    kind = "chromebook"
    get  = "/admin/directory/v1/customer/{var.customer}/devices/chromeos"
    query = {
      projection = "FULL"
      maxResults = 300
      pageToken  = page.cursor
    }
    evidence = "vendor spec"
    items    = list(response.body.chromeosdevices)
    page "cursor" { next = response.body.nextPageToken }
    deletes = "full_scan"
    id      = item.deviceId
    version = item.etag
    text {
      serial     = item.serialNumber
      status     = item.status
      org_unit   = item.orgUnitPath
      user_email = item.annotatedUser
      asset      = item.annotatedAssetId
      location   = item.annotatedLocation
      model      = item.model
      os_version = item.osVersion
      last_sync  = item.lastSync
    }
  }
}
