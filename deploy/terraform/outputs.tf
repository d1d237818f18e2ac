output "environment" {
  description = "The settings that follow from what was made, for the processes of the platform."

  value = {
    BIGQUERY_PROJECT       = var.project
    BIGQUERY_RAW_DATASET   = google_bigquery_dataset.layer["raw"].dataset_id
    BIGQUERY_DATASET       = google_bigquery_dataset.layer["operations"].dataset_id
    BIGQUERY_MARTS_DATASET = google_bigquery_dataset.layer["marts"].dataset_id
    BIGQUERY_LOCATION      = var.location
    DBT_TARGET             = "production"
    CHECKPOINT_LOCATION    = "gs://${google_storage_bucket.checkpoints.name}/checkpoints"
    STAGING_LOCATION       = "gs://${google_storage_bucket.staging.name}/staging"
  }
}

output "service_accounts" {
  description = "E-mail addresses by what they are for."
  value       = { for name, account in google_service_account.this : name => account.email }
}

output "policy_tags" {
  description = "Resource names by what they mask."
  value       = { for name, tag in google_data_catalog_policy_tag.this : name => tag.name }
}
