//! The REST Hooks API, as products have it that use django-rest-hooks with the Django REST framework: users subscribe by
//! POST, look at their hooks by GET, change them by PUT or PATCH, and unsubscribe by DELETE.
//!
//! A user is an application, made at its first hook; a hook is one of its endpoints. Another's hook is as if it were not there.

mod user; // who is calling
mod form; // what comes in
mod body;
mod problem; // what goes out
mod hook;
mod store; // what is done

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hookwright::Hooks;
use http::{Method, StatusCode};

use body::HookIn;
use hook::HookOut;
use problem::Problem;
use user::Right;

pub use user::{Authenticate, Refusal, User};

/// The REST Hooks API over an engine.
pub struct RestHooks<A> {
    shared: Arc<Shared<A>>,
}

struct Shared<A> {
    hooks: Hooks,
    authenticate: A,
}

impl<A: Authenticate> RestHooks<A> {
    /// The API over `hooks`; `authenticate` says who is calling.
    pub fn new(hooks: Hooks, authenticate: A) -> RestHooks<A> {
        RestHooks { shared: Arc::new(Shared { hooks, authenticate }) }
    }

    /// The API's routes: `path`, such as `/api/hooks`, and what is below it, each with and without a slash at the end.
    ///
    /// # Panics
    ///
    /// Where axum does: if `path` does not begin with a slash.
    pub fn router<S>(self, path: &str) -> Router<S>
    where
        S: Clone + Send + Sync + 'static,
    {
        let path = path.trim_end_matches('/');
        let all = || get(list::<A>).post(create::<A>).fallback(wrong_method);
        let one =
            || get(show::<A>).put(replace::<A>).patch(change::<A>).delete(remove::<A>).fallback(wrong_method);
        let router = if path.is_empty() { Router::new() } else { Router::new().route(path, all()) };
        router
            .route(&format!("{path}/"), all())
            .route(&format!("{path}/{{id}}"), one())
            .route(&format!("{path}/{{id}}/"), one())
            .with_state(self.shared)
    }
}

/// What stands for an id in the path. One that is no text is one of no hook, which is told to those who may know.
type Id = Result<Path<String>, PathRejection>;

fn text(id: &Id) -> &str {
    id.as_ref().map_or("", |Path(id)| id)
}

async fn list<A: Authenticate>(
    State(shared): State<Arc<Shared<A>>>,
    request: Request,
) -> Result<Response, Problem> {
    let user = shared.admit(request.into_parts().0, Right::Read).await?;
    let Some(application) = shared.application(&user).await? else {
        return hook::json(StatusCode::OK, &[(); 0]);
    };
    let hooks = shared.hooks_of(&application).await?;
    let shown: Vec<HookOut<'_>> = hooks.iter().map(|hook| HookOut::of(hook, &application)).collect();
    hook::json(StatusCode::OK, &shown)
}

async fn create<A: Authenticate>(
    State(shared): State<Arc<Shared<A>>>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let headers = parts.headers.clone();
    let user = shared.admit(parts, Right::Change).await?;
    let wanted = HookIn::read(&headers, body).await?;
    let (hook, application) = shared.create(&user, wanted).await?;
    hook::json(StatusCode::CREATED, &HookOut::of(&hook, &application))
}

async fn show<A: Authenticate>(
    State(shared): State<Arc<Shared<A>>>,
    id: Id,
    request: Request,
) -> Result<Response, Problem> {
    let user = shared.admit(request.into_parts().0, Right::Read).await?;
    let (hook, application) = shared.hook(&user, text(&id)).await?;
    hook::json(StatusCode::OK, &HookOut::of(&hook, &application))
}

async fn replace<A: Authenticate>(
    State(shared): State<Arc<Shared<A>>>,
    id: Id,
    request: Request,
) -> Result<Response, Problem> {
    write(&shared, text(&id), request, HookIn::need_all).await
}

async fn change<A: Authenticate>(
    State(shared): State<Arc<Shared<A>>>,
    id: Id,
    request: Request,
) -> Result<Response, Problem> {
    write(&shared, text(&id), request, |_| {}).await
}

async fn write<A: Authenticate>(
    shared: &Shared<A>,
    id: &str,
    request: Request,
    check: impl FnOnce(&mut HookIn),
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let headers = parts.headers.clone();
    let user = shared.admit(parts, Right::Change).await?;
    let (hook, application) = shared.hook(&user, id).await?;
    let mut wanted = HookIn::read(&headers, body).await?;
    check(&mut wanted);
    let hook = shared.change(&user, &hook, wanted).await?;
    hook::json(StatusCode::OK, &HookOut::of(&hook, &application))
}

async fn remove<A: Authenticate>(
    State(shared): State<Arc<Shared<A>>>,
    id: Id,
    request: Request,
) -> Result<Response, Problem> {
    let user = shared.admit(request.into_parts().0, Right::Change).await?;
    shared.remove(&user, text(&id)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn wrong_method(method: Method) -> Problem {
    Problem::wrong_method(&method)
}
