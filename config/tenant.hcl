# The sample company. One folder holds one tenant; scheduled and parked work acts as its principal.

tenant "acme" { principal = "svc-xops" }
