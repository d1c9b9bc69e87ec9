//! The listener that shows the metrics: apart from the API's, so that it need not be public.

use std::{io, time::Duration};

use poem::{
    Endpoint, EndpointExt, IntoResponse, Response, Route, get, handler, http::header, web::Data,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::serve;
use crate::app::{App, measure};

/// Shows the metrics of `app` under `/metrics` until `stop`.
///
/// # Errors
///
/// If `listener` can no longer be used.
pub async fn serve_metrics(
    listener: TcpListener,
    app: App,
    stop: CancellationToken,
) -> io::Result<()> {
    serve(listener, metrics_routes(app), stop, Duration::from_secs(1)).await
}

/// The listener's one route.
pub fn metrics_routes(app: App) -> impl Endpoint<Output = Response> + 'static {
    Route::new().at("/metrics", get(show)).data(app).map_to_response()
}

#[handler]
async fn show(app: Data<&App>) -> Response {
    measure::refresh(&app).await;
    Response::builder()
        .header(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)
        .header(header::CACHE_CONTROL, "no-store")
        .body(app.metrics.render())
        .into_response()
}
