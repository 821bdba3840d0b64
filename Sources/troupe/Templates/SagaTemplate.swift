/// The saga that a new package begins with: the one that the README shows.
let sagaTemplate = #"""
    import Saga

    protocol TripEvent: SagaEvent {}
    extension TripEvent { static var owner: String { "trips" } }
    struct TripRequested: TripEvent { var city: String }
    struct TripBooked: TripEvent {}
    struct TripCancellationRequested: TripEvent, ReasonEvent { var reason, detail: String }
    struct TripCancelled: TripEvent, ReasonEvent { var reason, detail: String }
    protocol HotelEvent: SagaEvent {}
    extension HotelEvent { static var owner: String { "hotels" } }
    struct HotelBooked: HotelEvent { var room: String }
    struct HotelRefused: HotelEvent, FailureEvent { var reason, detail: String }
    struct HotelCancelled: HotelEvent, UndoneEvent {}
    protocol FlightEvent: SagaEvent {}
    extension FlightEvent { static var owner: String { "flights" } }
    struct FlightBooked: FlightEvent { var seat: String }
    struct FlightRefused: FlightEvent, FailureEvent { var reason, detail: String }
    struct FlightCancelled: FlightEvent, UndoneEvent {}
    protocol CarEvent: SagaEvent {}
    extension CarEvent { static var owner: String { "cars" } }
    struct CarBooked: CarEvent { var sign: String }
    struct CarRefused: CarEvent, FailureEvent { var reason, detail: String }
    struct CarCancelled: CarEvent, UndoneEvent {}
    enum TripSaga {
        static let hotel = Leg(
            "hotel", by: "hotels", on: TripRequested.self, emits: HotelBooked.self,
            orElse: HotelRefused.self, undone: HotelCancelled.self)
        static let flight = Leg(  // on the same event: side by side
            "flight", by: "flights", on: TripRequested.self, emits: FlightBooked.self,
            orElse: FlightRefused.self, undone: FlightCancelled.self)
        static let car = Leg(  // on two events: once both have come
            "car", by: "cars", on: HotelBooked.self, FlightBooked.self, emits: CarBooked.self,
            orElse: CarRefused.self, undone: CarCancelled.self)
        static let ends = RouteOwner(
            "trips", begins: TripRequested.self, completes: TripBooked.self, on: CarBooked.self,
            cancelled: TripCancelled.self, request: TripCancellationRequested.self)
        static let route = Route("trip", owner: ends) {
            hotel
            flight
            car
        }
        static let trips = Participant(route, "trips") {
            Oversee(ends, deadline: .seconds(30)) { _, _ in Transition(TripBooked()) }
        }
        static let hotels = Participant(route, "hotels") {
            Perform(hotel, undo: agency.cancel) { trip, context in
                try await Transition(HotelBooked(room: agency.book(trip.city, context)))
            }
        }
        static let flights = Participant(route, "flights") {
            Perform(flight, undo: agency.cancel) { trip, context in
                try await Transition(FlightBooked(seat: agency.book(trip.city, context)))
            }
        }
        static let cars = Participant(route, "cars") {
            Perform(car, undo: agency.cancel) { booked, context in
                try await Transition(CarBooked(sign: agency.book(booked.1.seat, context)))
            }
        }
    }

    """#
