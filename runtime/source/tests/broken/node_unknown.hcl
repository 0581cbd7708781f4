runbook "r" {
  plan = "p"
  variant "v1" {
    node "end" { awf = hr.set_end }
    node "greet" {
      awf   = chat.greet
      after = [node.ends, outcome.guest]
      with {
        to   = person.email
        text = node.account.id
      }
    }
  }
}
