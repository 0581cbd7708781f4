facet "communications" "channels" {
  system = "chat"
  set    = true
}
route "create" "communications" "channels" {
  awf = chat.invite
  with {
    channel = facet.key
    user    = link.chat.id
    tags    = [link.idp.logn]
  }
}
