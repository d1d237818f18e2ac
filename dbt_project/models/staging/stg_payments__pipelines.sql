select
    pipeline,
    topic,
    topic_id,
    epoch,
    holder,
    generation,
    last_batch_id,
    end_offsets,
    watermark,
    updated_at,
    correction_count,
    replay_count,
    erasure_count
from {{ source('payment_data', 'pipeline_control') }}
