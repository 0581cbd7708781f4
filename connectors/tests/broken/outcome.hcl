# in base
  error "absent" { when = response.status == 404 }
# becomes
  error "abscent" { when = response.status == 404 }
