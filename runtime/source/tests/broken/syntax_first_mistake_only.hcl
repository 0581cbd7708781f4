tenant "acme" { principal = }
system idp" { }
