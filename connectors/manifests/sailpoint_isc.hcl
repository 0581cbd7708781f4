# SailPoint Identity Security Cloud: requests for access, accounts, campaigns. Facts: methods and paths of the v3 description by the
# catalogue; members and states are recalled. A request is accepted at once and carried out later.
manifest "sailpoint_isc" {
  title  = "SailPoint Identity Security Cloud"
  domain = "identity"

  var "token_url" {
    type  = "text"
    about = "the tenant's token endpoint, /oauth/token beside the API"
  }

  auth "oauth2_client_credentials" {
    token_url = "var:token_url"
    in_form   = true
  }

  headers = { accept = "application/json" }

  limit "token" {
    rate        = 100
    per         = "10s"
    reserve     = 50
    concurrency = 10
  }

  message = coalesce(response.body.messages[0].text, response.body.detailCode)

  error "absent" { when = response.status == 404 && response.body.detailCode != null }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  # A request of somebody for an item that is under way or was carried out. Our key stands in its metadata.
  lookup "grant_request" {
    inputs = {
      identity = "text"
      item     = "text"
    }
    get = "/access-request-status"
    query = {
      "requested-for" = input.identity
      count           = true
      limit           = 250
      offset          = page.offset
    }
    evidence      = "recalled: the members of a request's status"
    items         = response.body
    where         = item.id == input.item && item.requestType == "GRANT_ACCESS" && contains(["EXECUTING", "PROVISIONING_VERIFICATION_PENDING", "REQUEST_COMPLETED"], item.state)
    value         = "requested"
    outputs       = { request = item.accessRequestId }
    marker        = item.clientMetadata.xops
    authoritative = true
    page "offset" {
      size  = 250
      total = response.header.x-total-count
    }
  }

  lookup "revoke_request" {
    inputs = {
      identity = "text"
      item     = "text"
    }
    get = "/access-request-status"
    query = {
      "requested-for" = input.identity
      count           = true
      limit           = 250
      offset          = page.offset
    }
    evidence      = "recalled: the members of a request's status"
    items         = response.body
    where         = item.id == input.item && item.requestType == "REVOKE_ACCESS" && item.clientMetadata.xops == key
    marker        = item.clientMetadata.xops
    authoritative = true
    page "offset" {
      size  = 250
      total = response.header.x-total-count
    }
  }

  # A request that can still be cancelled.
  lookup "open_request" {
    inputs = {
      identity = "text"
      request  = "text"
    }
    get = "/access-request-status"
    query = {
      "requested-for" = input.identity
      count           = true
      limit           = 250
      offset          = page.offset
    }
    evidence      = "recalled: the members of a request's status"
    items         = response.body
    where         = item.accessRequestId == input.request && contains(["EXECUTING", "PROVISIONING_VERIFICATION_PENDING"], item.state)
    value         = "requested"
    outputs       = { item = item.id, type = item.type }
    authoritative = true
    page "offset" {
      size  = 250
      total = response.header.x-total-count
    }
  }

  # An account of a source that is not switched off.
  lookup "live_account" {
    inputs = { account = "text" }
    get    = "/accounts/{account}"
    error "absent" { when = response.status == 404 && response.body.detailCode != null }
    absent        = response.body.id == input.account && response.body.disabled == true
    present       = response.body.id == input.account && response.body.disabled == false
    value         = "active"
    authoritative = true
  }

  lookup "unlocked" {
    inputs        = { account = "text" }
    get           = "/accounts/{account}"
    absent        = response.body.id == input.account && response.body.locked == true
    present       = response.body.id == input.account && response.body.locked == false
    authoritative = true
  }

  # The state in which a person stands, by its technical name, as the accounts of the person show it.
  lookup "lifecycle_state" {
    inputs = { identity = "text" }
    get    = "/accounts"
    query = {
      count   = true
      filters = concat("identityId eq \"", input.identity, "\"")
      limit   = 250
      offset  = page.offset
    }
    evidence      = "recalled: the members of an account"
    items         = response.body
    where         = item.identityId == input.identity && item.cloudLifecycleState != null
    value         = item.cloudLifecycleState
    outputs       = { state = item.cloudLifecycleState }
    authoritative = true
    page "offset" {
      size  = 250
      total = response.header.x-total-count
    }
  }

  lookup "running_campaign" {
    inputs = { campaign = "text" }
    get    = "/campaigns/{campaign}"
    error "absent" { when = response.status == 404 && response.body.detailCode != null }
    absent        = contains(["PENDING", "STAGED", "CANCELING", "COMPLETING", "COMPLETED", "ERROR", "ARCHIVED"], response.body.status)
    present       = contains(["ACTIVATING", "ACTIVE"], response.body.status)
    value         = "running"
    authoritative = true
  }

  awf "request_access" {
    achieves = "create"
    inputs = {
      identity = "text"
      item     = "text"
      type     = "text"
    }
    samples  = { type = "ACCESS_PROFILE" }
    outputs  = { request = "text" }
    evidence = "vendor spec by the catalogue; members are recalled"

    post = "/access-requests"
    json = {
      requestedFor   = [input.identity]
      requestType    = "GRANT_ACCESS"
      requestedItems = [{ id = input.item, type = input.type }]
      clientMetadata = { xops = key }
    }

    lookup "grant_request" {}
    ambiguous "probe" {
      window   = "60s"
      agreeing = 3
    }
    # The id of the request is known once its status is shown.
    readback {
      within = "5m"
      every  = "5s"
    }
    undo "cancel_access_request" {
      with = {
        identity = input.identity
        request  = output.request
      }
      loss = "a request that was carried out meanwhile stays so: its access is taken by a request of its own"
    }
  }

  awf "cancel_access_request" {
    achieves = "remove"
    inputs = {
      identity = "text"
      request  = "text"
    }
    evidence = "vendor spec by the catalogue; members are recalled"

    post = "/access-requests/cancel"
    json = {
      accountActivityId = input.request
      comment           = "withdrawn"
    }

    lookup "open_request" {}
    # What is cancelled is not cancelled twice.
    ambiguous "probe" {
      window   = "60s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "5m"
      every  = "5s"
    }
    undo "request_access" {
      with = {
        identity = input.identity
        item     = snapshot.item
        type     = snapshot.type
      }
      loss = "another request goes through its approvals anew"
    }
  }

  awf "revoke_access" {
    inputs = {
      identity = "text"
      item     = "text"
      type     = "text"
    }
    samples  = { type = "ACCESS_PROFILE" }
    evidence = "vendor spec by the catalogue; members are recalled"

    post = "/access-requests"
    json = {
      requestedFor   = [input.identity]
      requestType    = "REVOKE_ACCESS"
      requestedItems = [{ id = input.item, type = input.type }]
      clientMetadata = { xops = key }
    }

    lookup "revoke_request" {}
    ambiguous "probe" {
      window   = "60s"
      agreeing = 3
    }
    undo "request_access" {
      with = {
        identity = input.identity
        item     = input.item
        type     = input.type
      }
      loss = "another request goes through its approvals anew"
    }
  }

  awf "disable_account" {
    achieves = "remove"
    inputs   = { account = "text" }
    locks    = ["account:{account}"]
    evidence = "vendor spec by the catalogue; members are recalled"

    post = "/accounts/{account}/disable"
    json = { forceProvisioning = false }

    lookup "live_account" {}
    # A switch: a second call changes nothing.
    ambiguous "probe" {
      window   = "2m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "10m"
      every  = "5s"
    }
    undo "enable_account" { with = { account = input.account } }
  }

  awf "enable_account" {
    achieves = "create"
    inputs   = { account = "text" }
    locks    = ["account:{account}"]
    evidence = "vendor spec by the catalogue; members are recalled"

    post = "/accounts/{account}/enable"
    json = { forceProvisioning = false }

    lookup "live_account" {}
    ambiguous "probe" {
      window   = "2m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "10m"
      every  = "5s"
    }
    undo "disable_account" { with = { account = input.account } }
  }

  awf "unlock_account" {
    inputs   = { account = "text" }
    locks    = ["account:{account}"]
    evidence = "vendor spec by the catalogue; members are recalled"

    post = "/accounts/{account}/unlock"
    json = { forceProvisioning = false }

    lookup "unlocked" {}
    ambiguous "probe" {
      window   = "2m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "10m"
      every  = "5s"
    }
    nothing_to_undo = "a lock after failed signings-in is the system's own and comes back by itself"
  }

  # `state` and `back` are ids of states, the one to go to and the one from which the person comes; what is declared is the name.
  awf "set_lifecycle_state" {
    achieves = "update"
    inputs = {
      identity = "text"
      state    = "text"
      back     = "text"
    }
    locks    = ["identity:{identity}"]
    evidence = "vendor spec by the catalogue; members are recalled"

    post = "/identities/{identity}/set-lifecycle-state"
    json = { lifecycleStateId = input.state }

    lookup "lifecycle_state" {}
    # Whoever stands in the state stays in it.
    ambiguous "probe" {
      window   = "2m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "10m"
      every  = "5s"
    }
    undo "set_lifecycle_state" {
      with = {
        identity = input.identity
        state    = input.back
        back     = input.state
      }
      loss = "access that the state took away is given anew by its own requests"
    }
  }

  awf "start_certification" {
    achieves = "create"
    inputs = {
      campaign  = "text"
      time_zone = "text"
    }
    samples  = { time_zone = "Z" }
    evidence = "vendor spec by the catalogue; members and states are recalled"

    post = "/campaigns/{campaign}/activate"
    json = { timeZone = input.time_zone }

    lookup "running_campaign" {}
    # What runs is not started twice.
    ambiguous "probe" {
      window   = "2m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "10m"
      every  = "5s"
    }
    undo "complete_certification" {
      with = {
        campaign = input.campaign
        action   = "APPROVE"
      }
      loss = "the campaign remains, completed; what nobody had decided is approved"
    }
  }

  awf "complete_certification" {
    achieves = "remove"
    inputs = {
      campaign = "text"
      action   = "text"
    }
    samples  = { action = "APPROVE" }
    evidence = "vendor spec by the catalogue; members and states are recalled"

    post = "/campaigns/{campaign}/complete"
    json = { autoCompleteAction = input.action }

    lookup "running_campaign" {}
    ambiguous "probe" {
      window   = "2m"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "10m"
      every  = "5s"
    }
    irreversible = "what was revoked is taken away, and a completed campaign does not go on; access is requested anew"
    forward      = "request_access"
  }

  read "accounts" {
    kind = "account"
    get  = "/accounts"
    query = {
      count   = true
      limit   = 250
      offset  = page.offset
      filters = page.delta
      sorters = "id"
    }
    evidence = "vendor spec by the catalogue; members are recalled"
    items    = response.body
    page "offset" {
      size  = 250
      total = response.header.x-total-count
    }
    delta "filter" {
      overlap = "5m"
      since   = concat("modified gt ", page.since)
    }
    id      = item.id
    version = item.modified
    text {
      name      = item.name
      native_id = item.nativeIdentity
      source    = item.sourceId
      identity  = item.identityId
    }
    bool {
      disabled     = item.disabled
      locked       = item.locked
      uncorrelated = item.uncorrelated
    }
  }
}
