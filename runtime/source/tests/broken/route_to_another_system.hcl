facet "communications" "channels" {
  system = "idp"
  set    = true
}
route "create" "communications" "channels" {
  awf = chat.invite
  with {
    channel = facet.key
    user    = link.idp.id
  }
}
