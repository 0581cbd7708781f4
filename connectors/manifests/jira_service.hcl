# Jira: requests for service. Facts: the platform API's description. Nothing of an issue is unique: our key is one of its labels.
# The index by which issues are searched follows the issues after some seconds.
manifest "jira_service" {
  title   = "Jira Service Management"
  domain  = "service"
  extends = "atlassian"

  var "cancel_transition" {
    type  = "text"
    about = "the transition of the project's workflow that cancels an issue, by its id"
  }

  var "cancel_status" {
    type    = "text"
    default = "Cancelled"
    about   = "the status to which that transition leads, by its name"
  }

  var "issues" {
    type    = "text"
    default = "created >= -365d"
    about   = "which issues are read, in the query language of issues"
  }

  webhook "issues" {
    verify   = "hmac"
    header   = "x-hub-signature"
    prefix   = "sha256="
    dedupe   = request.header.x-atlassian-webhook-identifier
    event    = request.body.webhookEvent
    kind     = "issue"
    id       = request.body.issue.key
    evidence = "recalled: the signature and the message"
  }

  # Our issue, by the label that is our key.
  lookup "issue_of_key" {
    get = "/rest/api/3/search"
    query = {
      jql        = concat("labels = \"", key, "\"")
      fields     = "labels,status"
      startAt    = page.offset
      maxResults = 50
    }
    items         = response.body.issues
    where         = contains(item.fields.labels, key)
    outputs       = { issue = item.key }
    marker        = join(item.fields.labels, " ")
    authoritative = true
    page "offset" {
      size  = 50
      total = response.body.total
    }
  }

  lookup "issue" {
    inputs = { issue = "text" }
    get    = "/rest/api/3/issue/{issue}"
    query  = { fields = "status" }
    error "absent" { when = response.status == 404 && response.body.errorMessages != null }
    present       = contains([response.body.key, response.body.id], input.issue)
    authoritative = true
  }

  # Whether an issue stands where a transition leads: what the call is to bring about.
  lookup "in_status" {
    inputs = {
      issue  = "text"
      status = "text"
    }
    get           = "/rest/api/3/issue/{issue}"
    query         = { fields = "status" }
    absent        = response.body.fields.status.name != null && response.body.fields.status.name != input.status
    present       = response.body.fields.status.name == input.status
    outputs       = { status = response.body.fields.status.name }
    authoritative = true
  }

  lookup "live_issue" {
    inputs = { issue = "text" }
    get    = "/rest/api/3/issue/{issue}"
    query  = { fields = "status" }
    error "absent" { when = response.status == 404 && response.body.errorMessages != null }
    absent        = contains([response.body.key, response.body.id], input.issue) && response.body.fields.status.name == var.cancel_status
    present       = contains([response.body.key, response.body.id], input.issue) && response.body.fields.status.name != null
    authoritative = true
  }

  # Who works on an issue; "none" where nobody does: so it is never absent.
  lookup "assignee" {
    inputs = { issue = "text" }
    get    = "/rest/api/3/issue/{issue}"
    query  = { fields = "assignee" }
    error "absent" { when = response.status == 404 && response.body.errorMessages != null }
    present       = contains([response.body.key, response.body.id], input.issue)
    value         = coalesce(response.body.fields.assignee.accountId, "none")
    outputs       = { account = response.body.fields.assignee.accountId }
    authoritative = true
  }

  awf "create_issue" {
    inputs = {
      project = "text"
      type    = "text"
      summary = "text"
    }
    personal = ["summary"]
    outputs  = { issue = "text" }
    evidence = "vendor spec; the members of `fields` are recalled"

    post = "/rest/api/3/issue"
    json = {
      fields = {
        project   = { key = input.project }
        issuetype = { name = input.type }
        summary   = input.summary
        labels    = [key]
      }
    }
    capture = { issue = response.body.key }

    lookup "issue_of_key" {}
    # The window covers the index.
    ambiguous "probe" {
      window   = "60s"
      agreeing = 3
    }
    undo "cancel_issue" {
      with = { issue = output.issue }
      loss = "the issue remains, cancelled"
    }
  }

  # By the transition that the project's workflow calls so.
  awf "cancel_issue" {
    achieves = "remove"
    inputs   = { issue = "text" }
    locks    = ["issue:{issue}"]
    evidence = "vendor spec"

    post = "/rest/api/3/issue/{issue}/transitions"
    json = { transition = { id = var.cancel_transition } }

    lookup "live_issue" {}
    # From where it leads, the transition does not start: it is not made twice.
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    irreversible = "a workflow need not lead out of where it cancels; another issue is created"
    forward      = "create_issue"
  }

  # `status` is where the transition leads, `back` the transition that leads from there to where the issue was.
  awf "transition_issue" {
    inputs = {
      issue      = "text"
      transition = "text"
      status     = "text"
      back       = "text"
    }
    locks    = ["issue:{issue}"]
    evidence = "vendor spec"

    post = "/rest/api/3/issue/{issue}/transitions"
    json = { transition = { id = input.transition } }

    lookup "in_status" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "transition_issue" {
      with = {
        issue      = input.issue
        transition = input.back
        status     = snapshot.status
        back       = input.transition
      }
      loss = "what the transition set besides the status, a resolution for one, stays"
    }
  }

  awf "assign_issue" {
    achieves = "update"
    inputs = {
      issue   = "text"
      account = "text"
    }
    personal = ["account"]
    optional = ["account"]
    locks    = ["issue:{issue}"]
    evidence = "vendor spec; that null leaves the issue to nobody is recalled"

    put       = "/rest/api/3/issue/{issue}/assignee"
    json      = { accountId = input.account }
    keep_null = true

    lookup "assignee" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "assign_issue" {
      with = {
        issue   = input.issue
        account = snapshot.account
      }
    }
  }

  awf "delete_issue" {
    achieves = "remove"
    inputs   = { issue = "text" }
    evidence = "vendor spec"

    delete = "/rest/api/3/issue/{issue}"
    query  = { deleteSubtasks = false }

    lookup "issue" {}
    ambiguous "resend" {}
    readback {
      within = "60s"
      every  = "1s"
    }
    irreversible = "the issue, its comments and its history are gone; another one is created"
    forward      = "create_issue"
  }

  read "issues" {
    kind = "issue"
    get  = "/rest/api/3/search"
    query = {
      jql        = concat("(", var.issues, ")", coalesce(page.delta, ""), " ORDER BY key")
      fields     = "summary,status,issuetype,project,assignee,reporter,labels,created,updated"
      startAt    = page.offset
      maxResults = 100
    }
    evidence = "vendor spec; the members of `fields` are recalled"
    items    = response.body.issues
    page "offset" {
      size  = 100
      total = response.body.total
    }
    delta "filter" {
      overlap = "5m"
      format  = "epoch_ms"
      since   = concat(" AND updated >= ", page.since)
    }
    id      = item.key
    version = item.fields.updated
    text {
      summary  = item.fields.summary
      status   = item.fields.status.name
      type     = item.fields.issuetype.name
      project  = item.fields.project.key
      assignee = item.fields.assignee.accountId
      reporter = item.fields.reporter.accountId
      created  = item.fields.created
    }
    texts { labels = item.fields.labels }
  }
}
