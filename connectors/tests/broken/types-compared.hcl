# in base
  error "absent" { when = response.status == 404 }
# becomes
  error "absent" { when = response.status == "404" }
