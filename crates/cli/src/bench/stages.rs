//! Where the time of a message went: mean microseconds by stage, as the gateway counted them.

use axum::body::Body;
use axum::http::Request;
use gateway::Running;
use tower::ServiceExt as _;

/// The mean of one stage.
#[derive(serde::Serialize)]
pub(super) struct Stage {
    pub(super) stage: String,
    pub(super) count: u64,
    pub(super) mean_us: f64,
}

/// What the metrics say about each stage that was passed; from receipt on, `record` and `acknowledge` count all
/// before them.
pub(super) async fn read(running: &Running) -> Vec<Stage> {
    let request = Request::get("/metrics").body(Body::empty());
    let Ok(request) = request else {
        return Vec::new();
    };
    let Ok(answer) = running.router().oneshot(request).await;
    let bytes = axum::body::to_bytes(answer.into_body(), 1 << 22).await;
    let text = String::from_utf8(bytes.unwrap_or_default().to_vec()).unwrap_or_default();
    let value = |line: &str| {
        line.rsplit_once(' ')
            .and_then(|(_, value)| value.parse::<f64>().ok())
    };
    let mut stages: Vec<Stage> = Vec::new();
    for line in text.lines() {
        let Some(labels) = line.strip_prefix("eprgw_stage_seconds_sum") else {
            continue;
        };
        let labels = labels.split(' ').next().unwrap_or_default();
        let counted = format!("eprgw_stage_seconds_count{labels} ");
        let count = text
            .lines()
            .find(|line| line.starts_with(&counted))
            .and_then(value);
        let (Some(sum), Some(count)) = (value(line), count.filter(|count| *count > 0.0)) else {
            continue;
        };
        let label = |name: &str| {
            let begin = format!("{name}=\"");
            let rest = labels.split_once(&begin)?.1;
            Some(rest.split_once('"')?.0.to_owned())
        };
        let stage = label("stage").unwrap_or_default();
        let interface = label("interface").unwrap_or_default();
        // Further routes cost what the first one does.
        if interface.is_empty() || interface == "in-to-out" {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a count of messages"
            )]
            stages.push(Stage {
                stage: format!("{stage} {}", label("outcome").unwrap_or_default()),
                count: count as u64,
                mean_us: sum / count * 1e6,
            });
        }
    }
    stages
}
