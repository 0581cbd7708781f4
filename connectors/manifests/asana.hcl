# Asana: who a task is assigned to. Every answer and every body stands in a member `data`; a change is a PUT of the members that
# it names, so that the others stay as they are.
manifest "asana" {
  title  = "Asana"
  domain = "software"

  auth "bearer" { part = "access_token" }

  headers = { accept = "application/json" }

  limit "token" {
    rate        = 150
    per         = "1m"
    reserve     = 30
    concurrency = 15
  }

  message = first(response.body.errors[*].message)

  error "absent" { when = response.status == 404 && first(response.body.errors[*].message) != null }
  error "forbidden" { when = response.status == 402 }
  error "invalid" { when = response.status == 451 }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  # A task and who has it. A task that nobody has is an absent assignment.
  lookup "assignment" {
    inputs  = { task = "text" }
    get     = "/tasks/{task}"
    query   = { opt_fields = "assignee.gid,modified_at" }
    absent  = response.body.data.gid == input.task && response.body.data.assignee == null
    present = response.body.data.gid == input.task && response.body.data.assignee.gid != null
    value   = response.body.data.assignee.gid
    outputs = { assignee = response.body.data.assignee.gid }
    authoritative = true
  }

  awf "reassign_task" {
    achieves = "update"
    inputs = {
      task     = "text"
      assignee = "text"
    }
    personal = ["assignee"]
    evidence = "vendor spec"

    put  = "/tasks/{task}"
    json = { data = { assignee = input.assignee } }

    lookup "assignment" {}
    ambiguous "resend" {}
    readback {
      within = "30s"
      every  = "500ms"
    }
    undo "reassign_task" {
      with = {
        task     = input.task
        assignee = snapshot.assignee
      }
    }
  }

  read "users" {
    kind = "user"
    get  = "/users"
    query = {
      workspace  = var.workspace
      limit      = 100
      offset     = page.cursor
      opt_fields = "name,email"
    }
    evidence = "vendor spec"
    items    = response.body.data
    page "cursor" { next = response.body.next_page.offset }
    id = item.gid
    text {
      name  = item.name
      email = item.email
    }
  }

  var "workspace" {
    type  = "text"
    about = "the workspace whose users are read"
  }
}
