//! The worker of the night: closes the daily registers of every body inside.
//!
//! It may run as often as one likes: a closed day is never closed again, and
//! days missed during a stop are made up in order.

use crate::context::App;
use crate::error::{Error, Result};
use crate::use_cases::daily_register::close_until_today;
use std::sync::Arc;
use store::bodies;

/// Bodies read at a time.
const PAGE: i64 = 100;

/// Closes what can be closed; says how many days. A register that fails does not stop the others.
///
/// # Errors
/// Those of the store when the bodies cannot be read.
pub async fn run_once(app: &Arc<App>) -> Result<u32> {
    let mut closed = 0;
    let mut after = String::new();
    loop {
        let from = after.clone();
        let page = app.store.read::<_, Error, _>(move |r| Ok(bodies::page(r, &from, PAGE)?)).await?;
        let Some(last) = page.last() else { return Ok(closed) };
        after = last.ipa_code.to_string();
        for body in page.iter().filter(|body| body.inside) {
            let ctx = app.system_context(&body.ipa_code);
            for area in &body.aoos {
                for register in &area.registers {
                    match close_until_today(&ctx, &area.code, &register.code).await {
                        Ok(days) => closed += days,
                        Err(error) => {
                            app.health.note(&error);
                            tracing::error!(
                                body = %body.ipa_code, aoo = %area.code, register = %register.code, %error,
                                "the daily register could not be closed; it will be tried again"
                            );
                        }
                    }
                }
            }
        }
    }
}
