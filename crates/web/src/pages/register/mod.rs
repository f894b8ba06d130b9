//! Pages of the protocol register: the list, a new entry, one entry and the acts on it.

pub mod acts;
pub mod entry;
pub mod filing;
pub mod import;
pub mod list;
pub mod new_aids;
pub mod new_entry;
pub mod new_form;
pub mod send;

use crate::routes::{Access, Entry};
use app::Verb;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

/// The routes of this folder.
pub fn routes() -> Vec<Entry> {
    let page = |method, path, verb, handler| Entry::page(method, path, Access::May(verb), handler);
    let read = Verb::ReadRegister;
    vec![
        page("GET", "/register", read, get(list::show)),
        page("GET", "/search", read, get(list::search)),
        page("GET", "/register/export", Verb::ExportRegister, get(list::export)),
        page("POST", "/register/views", read, post(list::save_view)),
        page("POST", "/register/views/{id}/remove", read, post(list::remove_view)),
        page("POST", "/register/assign", Verb::Assign, post(acts::assign_many)),
        page("GET", "/register/new", Verb::Register, get(new_entry::show)),
        // The limit is per file and in the settings; the body is streamed.
        page(
            "POST",
            "/register/new",
            Verb::Register,
            post(new_entry::send).layer(DefaultBodyLimit::disable()),
        ),
        page("GET", "/register/import", Verb::ImportRegister, get(import::show)),
        page(
            "POST",
            "/register/import",
            Verb::ImportRegister,
            post(import::try_file).layer(DefaultBodyLimit::max(import::BODY_MAX)),
        ),
        page("POST", "/register/import/confirm", Verb::ImportRegister, post(import::confirm)),
        page("POST", "/register/new/draft", Verb::Register, post(new_aids::autosave)),
        page("POST", "/register/new/draft/discard", Verb::Register, post(new_aids::discard)),
        page("POST", "/register/new/classes", Verb::Register, post(new_aids::classes)),
        page(
            "POST",
            "/register/new/text",
            Verb::Register,
            post(new_aids::text).layer(DefaultBodyLimit::max(new_aids::FILE_MAX)),
        ),
        page("GET", "/register/{id}", read, get(entry::show)),
        page("POST", "/register/{id}/dossier", Verb::OpenDossier, post(filing::place)),
        page("GET", "/register/{id}/registered", Verb::Register, get(entry::registered)),
        page("GET", "/register/{id}/annul", Verb::Annul, get(acts::annul_form)),
        page("POST", "/register/{id}/annul", Verb::Annul, post(acts::annul)),
        page("GET", "/register/{id}/send", Verb::SendAct, get(send::form)),
        page("POST", "/register/{id}/send", Verb::SendAct, post(send::send)),
        page("GET", "/register/{id}/correct", Verb::Annul, get(acts::correct_form)),
        page("POST", "/register/{id}/correct", Verb::Annul, post(acts::correct)),
        page("POST", "/register/{id}/classify", Verb::Assign, post(acts::classify)),
        page("POST", "/register/{id}/assign", Verb::Assign, post(acts::assign)),
        page("POST", "/register/assignments/{id}/take", Verb::TakeCharge, post(acts::take_charge)),
        page("POST", "/register/assignments/{id}/send-back", Verb::TakeCharge, post(acts::send_back)),
        page("GET", "/documents/{id}", read, get(entry::document)),
    ]
}
