runbook "r" {
  plan = "p"
  variant "v1" {
    node "account" { awf = idp.create_user }
    node "greet" {
      awf = chat.greet
      with {
        to   = node.account.ids
        text = "x"
      }
    }
  }
}
