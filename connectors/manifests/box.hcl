# Box: legal holds on a person's content, and the handing over of what a person owns. An assignment of a policy is found among the
# assignments of that policy to that person; a second assignment is refused with a conflict.
manifest "box" {
  title  = "Box"
  domain = "software"

  var "token_url" {
    type    = "text"
    default = "https://api.box.com/oauth2/token"
    about   = "the token endpoint"
  }

  var "enterprise" {
    type  = "text"
    about = "the id of the enterprise that the service account belongs to"
  }

  hosts = ["api.box.com"]

  auth "oauth2_client_credentials" {
    token_url = "var:token_url"
    in_form   = true
    form = {
      box_subject_type = "enterprise"
      box_subject_id   = "var:enterprise"
    }
  }

  headers = { accept = "application/json" }

  limit "user" {
    rate    = 1000
    per     = "1m"
    reserve = 50
  }

  message = response.body.message

  error "absent" { when = response.status == 404 && response.body.code == "not_found" }
  error "conflict" { when = response.status == 409 }
  error "precondition_failed" { when = response.status == 412 }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  # The assignment of a policy to a person, released ones left out.
  lookup "hold" {
    evidence = "unverified: the catalogue does not name this listing"
    inputs = {
      policy = "text"
      user   = "text"
    }
    get = "/legal_hold_policy_assignments"
    query = {
      policy_id      = input.policy
      assign_to_type = "user"
      assign_to_id   = input.user
      limit          = 1000
      marker         = page.cursor
    }
    items         = response.body.entries
    where         = item.assigned_to.id == input.user && item.deleted_at == null
    value         = "member"
    outputs       = { assignment = item.id }
    authoritative = true
    page "cursor" { next = response.body.next_marker }
  }

  lookup "assignment" {
    inputs        = { assignment = "text" }
    get           = "/legal_hold_policy_assignments/{assignment}"
    absent        = response.body.id == input.assignment && response.body.deleted_at != null
    present       = response.body.id == input.assignment
    value         = "member"
    outputs = {
      policy = response.body.legal_hold_policy.id
      user   = response.body.assigned_to.id
    }
    authoritative = true
    error "absent" { when = response.status == 404 && response.body.code == "not_found" }
  }

  # What a person still owns. Bytes of the trash count, so that an empty account is empty indeed.
  lookup "content" {
    inputs        = { user = "text" }
    get           = "/users/{user}"
    query         = { fields = "id,login,status,space_used" }
    absent        = response.body.id == input.user && response.body.space_used == 0
    present       = response.body.id == input.user && response.body.space_used > 0
    outputs       = { bytes = response.body.space_used }
    authoritative = true
  }

  awf "place_legal_hold" {
    achieves = "create"
    inputs = {
      policy = "text"
      user   = "text"
    }
    outputs  = { assignment = "text" }
    evidence = "vendor spec; the listing of assignments is recalled"

    post = "/legal_hold_policy_assignments"
    json = {
      policy_id = input.policy
      assign_to = {
        type = "user"
        id   = input.user
      }
    }
    capture = { assignment = response.body.id }

    lookup "hold" {}
    # A policy is assigned to a person once: a second assignment is a conflict.
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "release_legal_hold" {
      with = { assignment = output.assignment }
      loss = "what was deleted under the hold meanwhile may be purged when it ends"
    }
  }

  awf "release_legal_hold" {
    achieves = "remove"
    inputs   = { assignment = "text" }
    evidence = "vendor spec; a release is carried out some time after it is accepted: recalled"

    delete = "/legal_hold_policy_assignments/{assignment}"

    lookup "assignment" {}
    ambiguous "resend" {}
    readback {
      within = "10m"
      every  = "10s"
    }
    undo "place_legal_hold" {
      with = {
        policy = snapshot.policy
        user   = snapshot.user
      }
      loss = "what the hold kept may be purged before it is placed again, and the assignment has another id"
    }
  }

  awf "transfer_owned_folders" {
    achieves = "remove"
    inputs = {
      user = "text"
      to   = "text"
    }
    locks    = ["content:{user}"]
    evidence = "vendor spec; that nothing is left behind is recalled"
    timeout  = "5m"

    put  = "/users/{user}/folders/0"
    query = { notify = false }
    json = { owned_by = { id = input.to } }

    lookup "content" {}
    # Each call makes a folder of its own at the receiver's: it is made again only when the account is seen full after a while.
    ambiguous "probe" {
      window   = "10m"
      agreeing = 3
    }
    readback {
      within = "30m"
      every  = "30s"
    }
    irreversible = "the content is owned by another person; who shared what with whom before is not kept"
    forward      = "transfer_owned_folders"
  }

  read "users" {
    kind = "user"
    get  = "/users"
    query = {
      fields    = "id,name,login,status,role,external_app_user_id,space_used,modified_at"
      usemarker = true
      limit     = 1000
      marker    = page.cursor
    }
    evidence = "vendor spec"
    items    = response.body.entries
    page "cursor" { next = response.body.next_marker }
    id      = item.id
    version = item.modified_at
    text {
      name   = item.name
      login  = item.login
      status = item.status
      role   = item.role
      ours   = item.external_app_user_id
    }
    int { bytes = item.space_used }
  }
}
