facet "communications" "channels" {
  system = "chat"
  set    = true
  mode   = "exclusive"
}

route "create" "communications" "channels" {
  awf = chat.invite
  with {
    channel = facet.key
    user    = person.handle
  }
}
