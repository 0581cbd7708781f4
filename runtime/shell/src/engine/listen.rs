//! What the scribe and the keeper say, passed on to whoever it is for.

use crate::hub::Hub;
use crate::instance::parking::Kept;
use crate::keeper;
use crate::letter;
use crate::scribe::Told;
use std::rc::Rc;
use tokio::sync::{Notify, mpsc};

pub(super) async fn to_scribe(
    hub: Rc<Hub>,
    mut told: mpsc::Receiver<Told>,
    closed: Rc<Notify>,
    fail: mpsc::Sender<String>,
) {
    while let Some(word) = told.recv().await {
        match word {
            Told::Durable(streams) => hub.acknowledge(&streams),
            Told::Stopped(why) => {
                hub.stop(&why);
                let _already_ending = fail.try_send(format!("the journal stopped: {why}"));
            }
            Told::Marked(cut, place) => {
                if let Some(order) = hub.cutting.marked(cut, place) {
                    hub.keep_surely(order);
                }
            }
            Told::Closed => closed.notify_one(),
        }
    }
}

pub(super) async fn to_keeper(hub: Rc<Hub>, mut told: mpsc::Receiver<keeper::Told>) {
    while let Some(word) = told.recv().await {
        match word {
            keeper::Told::Kept { number, turn, place } => {
                let told = hub.instance(number).is_some_and(|it| it.try_send(Kept { turn, place }).is_ok());
                if let Some(place) = place.filter(|_| !told) {
                    hub.keep_surely(keeper::Order::Release(place));
                }
            }
            keeper::Told::Back { number, place, card } => {
                if let Some(service) = hub.service()
                    && service.try_send(letter::Back { number, place, card }).is_err()
                {
                    tracing::error!(
                        number,
                        "the Service robot's mailbox is full: an instance stays where it is"
                    );
                }
            }
            keeper::Told::Written(bytes) => hub.cutting.wrote(bytes),
        }
    }
}
