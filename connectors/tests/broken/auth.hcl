# in base
  auth "bearer" {}
# becomes
  auth "barer" {}
