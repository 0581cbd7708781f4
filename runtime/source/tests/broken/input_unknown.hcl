facet "communications" "channels" {
  system = "chat"
  set    = true
}
route "create" "communications" "channels" {
  awf = chat.invite
  with {
    chanel = facet.key
    user   = link.idp.id
  }
}
