locals {
  buckets = {
    # A checkpoint is a cache, but a dear one: no lifecycle rule may delete a file that is in use. What is aborted goes.
    checkpoints = { name = "${var.project}-payments-checkpoints" }
    staging     = { name = "${var.project}-payments-staging" }
  }
}

resource "google_storage_bucket" "checkpoints" {
  name                        = local.buckets.checkpoints.name
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  # A batch writes and deletes hundreds of small files: kept copies of them would be most of the bill.
  soft_delete_policy {
    retention_duration_seconds = 0
  }

  lifecycle_rule {
    condition {
      age = 1
    }
    action {
      type = "AbortIncompleteMultipartUpload"
    }
  }

  dynamic "encryption" {
    for_each = var.kms_key == "" ? [] : [var.kms_key]

    content {
      default_kms_key_name = encryption.value
    }
  }
}

resource "google_storage_bucket" "staging" {
  name                        = local.buckets.staging.name
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  soft_delete_policy {
    retention_duration_seconds = 0
  }

  lifecycle_rule {
    condition {
      age = var.keep_staging_days
    }
    action {
      type = "Delete"
    }
  }

  dynamic "encryption" {
    for_each = var.kms_key == "" ? [] : [var.kms_key]

    content {
      default_kms_key_name = encryption.value
    }
  }
}
