facet "identity" "mail" { system = "ipd" }
#--- outcomes.hcl
outcome "x" {
  entity = "person"
  for    = person.knd == "a"
  identity { acount = "present" }
}
#--- runbooks.hcl
runbook "r" {
  plan = "p"
  variant "v1" {
    node "a" {
      awf   = idp.create_usr
      after = [node.b]
    }
  }
}
#--- systems.hcl
system "extra" {
  domain   = "identiy"
  base_url = "http://x.example"
}
