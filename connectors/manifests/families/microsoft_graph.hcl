# Microsoft Graph v1.0, as its systems share it. Lists end without `@odata.nextLink`; errors are `{ error: { code, message } }`.
# A 404 means an absent object only with one of these codes: a path that does not exist answers 404 as well.
family "microsoft_graph" {
  var "token_url" {
    type  = "text"
    about = "the token endpoint of the directory"
  }

  var "graph" {
    type    = "text"
    default = "https://graph.microsoft.com/v1.0"
    about   = "how Graph names its own objects in references"
  }

  hosts = ["login.microsoftonline.com"]

  auth "oauth2_client_credentials" {
    token_url = "var:token_url"
    scope     = "https://graph.microsoft.com/.default"
    in_form   = true
  }

  headers = { accept = "application/json" }

  message = response.body.error.message

  error "absent" { when = response.status == 404 && contains(["ResourceNotFound", "Request_ResourceNotFound", "NotFound", "itemNotFound", "ErrorItemNotFound"], response.body.error.code) }
  error "conflict" { when = response.status == 423 }
  error "transient" { when = response.status == 503 && response.header.retry-after != null }
}
