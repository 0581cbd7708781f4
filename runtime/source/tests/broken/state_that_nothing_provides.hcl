facet "communications" "channels" {
  system = "chat"
  set    = true
}
route "create" "communications" "channels" {
  awf = chat.invite
  with {
    channel = state.identity.account.idd
    user    = state.identity.acount.id
    tags    = [state.identity.groups.id, state.identity]
  }
}
