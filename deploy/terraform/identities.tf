module "access" {
  source        = "./modules/access"
  project       = var.project
  managed_kafka = var.managed_kafka
  dataproc      = var.dataproc
  one_machine   = var.one_machine
  accounts      = { for name, account in google_service_account.this : name => "serviceAccount:${account.email}" }
  people        = { analysts = var.analysts, operators = var.operators }
}

resource "google_service_account" "this" {
  for_each     = toset(["stream", "dbt", "dashboard", "simulator"])
  account_id   = "payments-${each.key}"
  display_name = "Payments: ${each.key}"
}

locals {
  given = module.access.given

  datasets_by_name = merge(
    { for layer, dataset in google_bigquery_dataset.layer : layer => dataset.dataset_id },
    { backtest = google_bigquery_dataset.backtest.dataset_id },
  )

  buckets_by_name = {
    checkpoints = google_storage_bucket.checkpoints.name
    staging     = google_storage_bucket.staging.name
  }

  on_tags = merge([
    for name, grant in local.given : {
      for tag in keys(local.tags) : "${name}/${tag}" => merge(grant, { tag = tag })
    } if grant.on == "policy_tags"
  ]...)
}

resource "google_project_iam_member" "this" {
  for_each = { for name, grant in local.given : name => grant if grant.on == "project" }
  project  = var.project
  role     = each.value.role
  member   = each.value.member

  depends_on = [google_project_iam_custom_role.submitter]
}

resource "google_project_iam_custom_role" "submitter" {
  count       = var.dataproc ? 1 : 0
  role_id     = "payments_submitter"
  title       = "Payments: hands runs over to Dataproc"
  permissions = module.access.submitter_permissions
}

resource "google_service_account_iam_member" "stream" {
  for_each           = { for name, grant in local.given : name => grant if grant.on == "stream_account" }
  service_account_id = google_service_account.this["stream"].name
  role               = each.value.role
  member             = each.value.member
}

resource "google_bigquery_dataset_iam_member" "this" {
  for_each   = { for name, grant in local.given : name => grant if contains(keys(local.datasets_by_name), grant.on) }
  dataset_id = local.datasets_by_name[each.value.on]
  role       = each.value.role
  member     = each.value.member
}

resource "google_storage_bucket_iam_member" "this" {
  for_each = { for name, grant in local.given : name => grant if contains(["checkpoints", "staging"], grant.on) }
  bucket   = local.buckets_by_name[each.value.on]
  role     = each.value.role
  member   = each.value.member
}
