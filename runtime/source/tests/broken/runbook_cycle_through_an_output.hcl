runbook "r" {
  plan = "p"
  variant "v1" {
    node "account" {
      awf   = idp.create_user
      after = [node.greet]
    }
    node "greet" {
      awf = chat.greet
      with {
        to   = node.account.id
        text = "x"
      }
    }
  }
}
