runbook "r" {
  plan = "p"
  variant "v1" {
    node "end" {
      awf   = hr.set_end
      after = [node.groups]
    }
    node "account" {
      awf   = idp.create_user
      after = [node.end]
    }
    node "groups" {
      awf   = idp.add_member
      after = [node.account]
    }
    node "greet" {
      awf   = chat.greet
      after = [node.greet]
      with {
        to   = person.email
        text = "x"
      }
    }
  }
}
