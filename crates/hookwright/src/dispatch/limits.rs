//! The limits of lanes and of applications, as they are set and changed.

use crate::dispatch::application_lanes::Place;
use crate::dispatch::lane::{Lane, changed_rate};
use crate::dispatch::lanes::{Lanes, Throttle};
use crate::domain::breaker::Breaker;
use crate::domain::ids::{ApplicationId, EndpointId};
use crate::domain::time::Timestamp;

impl Lanes {
    /// Makes the lane if there is none, and sets its limits if they are known.
    pub(super) fn configure(
        &mut self,
        application: ApplicationId,
        endpoint: EndpointId,
        throttle: Option<Throttle>,
        now: Timestamp,
    ) {
        let applications = &mut self.applications;
        let lane = self.lanes.entry(endpoint).or_insert_with(|| {
            applications.entry(application).or_default().lanes += 1;
            Lane::new(application, now)
        });
        let Some(throttle) = throttle else { return };
        lane.set_rate(throttle.endpoint, self.shares_limits);
        if let Some(lanes) = applications.get_mut(&application) {
            lanes.rate = changed_rate(lanes.rate, throttle.application, self.shares_limits);
        }
    }

    /// Sets the limits of a lane that is there, as they were read again, and goes on with what may need no place any more.
    pub(super) fn reread(
        &mut self,
        application: ApplicationId,
        endpoint: EndpointId,
        throttle: Throttle,
        now: Timestamp,
    ) {
        if self.lanes.contains_key(&endpoint) {
            self.configure(application, endpoint, Some(throttle), now);
            self.list_if_ready(endpoint, now);
            self.offer_again(application);
        }
    }

    /// An endpoint was changed: sets the limit of its lane, and tries it again though it failed before.
    ///
    /// Of a lane that is not there the limit is set when it is made.
    pub(super) fn reconfigure_endpoint(&mut self, endpoint: EndpointId, rate: Option<u16>, now: Timestamp) {
        if let Some(lane) = self.lanes.get_mut(&endpoint) {
            lane.set_rate(rate, self.shares_limits);
            lane.breaker = Breaker::default();
            self.list_if_ready(endpoint, now);
        }
    }

    /// Sets the limit of an application that has lanes.
    pub(super) fn reconfigure_application(&mut self, application: ApplicationId, rate: Option<u16>) {
        if let Some(lanes) = self.applications.get_mut(&application) {
            lanes.rate = changed_rate(lanes.rate, rate, self.shares_limits);
            self.offer_again(application);
        }
    }

    /// Tries an application again that its limit held back.
    pub(super) fn offer_again(&mut self, application: ApplicationId) {
        if let Some(lanes) = self.applications.get_mut(&application)
            && let Place::Waiting(_) = lanes.place
        {
            lanes.place = Place::Nowhere;
        }
        self.offer(application);
    }
}
