# Dropbox for teams. Everything is a POST; a failure says what was wrong in `error[".tag"]` with status 409, and what was asked about a
# list of members is answered for each. A person is meant by the team's id of the member.
manifest "dropbox_business" {
  title  = "Dropbox Business"
  domain = "software"

  var "token_url" {
    type    = "text"
    default = "https://api.dropboxapi.com/oauth2/token"
    about   = "the token endpoint"
  }

  hosts = ["api.dropboxapi.com"]

  auth "oauth2_refresh" { token_url = "var:token_url" }

  headers = { accept = "application/json" }

  limit "team" {
    rate    = 300
    per     = "1m"
    reserve = 30
  }

  message = coalesce(response.body.error_summary, response.body.user_message.text)

  error "absent" { when = response.status == 409 && contains(["user_not_found", "user_not_in_team", "id_not_found"], response.body.error[".tag"]) }
  error "forbidden" { when = response.status == 409 && response.body.error[".tag"] == "no_permission" }
  error "invalid" { when = response.status == 409 }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }

  # A member that is not suspended.
  lookup "active_member" {
    inputs = { member = "text" }
    post   = "/2/team/members/get_info_v2"
    json = { members = [{
      ".tag"         = "team_member_id"
      team_member_id = input.member
    }] }
    items         = response.body.members_info
    where         = item.profile.team_member_id == input.member && item.profile.status[".tag"] == "active"
    value         = "active"
    outputs       = { status = item.profile.status[".tag"] }
    authoritative = true
  }

  # A former member whose files nobody has been given yet.
  lookup "files_of_former" {
    inputs = { member = "text" }
    post   = "/2/team/members/get_info_v2"
    json = { members = [{
      ".tag"         = "team_member_id"
      team_member_id = input.member
    }] }
    items         = response.body.members_info
    where         = item.profile.team_member_id == input.member && item.profile.status[".tag"] == "removed" && item.profile.status.is_disconnected != true
    authoritative = false
  }

  awf "unsuspend_member" {
    achieves = "create"
    inputs   = { member = "text" }
    evidence = "vendor docs"

    post = "/2/team/members/unsuspend"
    json = { user = {
      ".tag"         = "team_member_id"
      team_member_id = input.member
    } }
    error "already_done" { when = response.status == 409 && response.body.error[".tag"] == "unsuspend_non_suspended_member" }

    lookup "active_member" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "suspend_member" { with = { member = input.member } }
  }

  awf "suspend_member" {
    achieves = "remove"
    inputs   = { member = "text" }
    evidence = "vendor docs"

    post = "/2/team/members/suspend"
    json = {
      user = {
        ".tag"         = "team_member_id"
        team_member_id = input.member
      }
      wipe_data = false
    }
    error "already_done" { when = response.status == 409 && response.body.error[".tag"] == "suspend_inactive_user" }

    lookup "active_member" {}
    ambiguous "probe" {
      window   = "10s"
      agreeing = 2
      unique   = true
    }
    readback {
      within = "60s"
      every  = "1s"
    }
    undo "unsuspend_member" {
      with = { member = input.member }
      loss = "linked devices and web sessions are signed out"
    }
  }

  awf "transfer_former_files" {
    inputs = {
      member = "text"
      to     = "text"
      admin  = "text"
    }
    evidence = "vendor docs; the words of the job are recalled"

    post = "/2/team/members/move_former_member_files"
    json = {
      user = {
        ".tag"         = "team_member_id"
        team_member_id = input.member
      }
      transfer_dest_id = {
        ".tag"         = "team_member_id"
        team_member_id = input.to
      }
      transfer_admin_id = {
        ".tag"         = "team_member_id"
        team_member_id = input.admin
      }
    }
    error "already_done" { when = response.status == 409 && contains(["user_data_already_transferred", "user_data_is_being_transferred"], response.body.error[".tag"]) }

    capture = { job = response.body.async_job_id }
    outputs = { job = "text" }

    # The files of a former member are given away once: a second transfer is refused by name.
    ambiguous "park" {}
    poll {
      post   = "/2/team/members/move_former_member_files/job_status/check"
      json   = { async_job_id = output.job }
      done   = response.body[".tag"] == "complete"
      fail   = response.status == 409
      every  = "10s"
      within = "1h"
    }
    irreversible = "the files are another member's; only sharing them again gives them back"
  }

  read "members" {
    kind = "member"
    post = "/2/team/members/list_v2"
    json = {
      limit           = 1000
      include_removed = true
    }
    evidence = "vendor docs; more than a thousand members need a second address, which is not read: then the reading fails"
    ok       = response.status == 200 && response.body.has_more == false
    items    = response.body.members
    id       = item.profile.team_member_id
    text {
      email      = item.profile.email
      status     = item.profile.status[".tag"]
      first_name = item.profile.name.given_name
      last_name  = item.profile.name.surname
      external   = item.profile.external_id
    }
  }
}
