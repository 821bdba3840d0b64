/// Who begins the sagas of a route and decides how they end, and by which events it says so.
///
/// The pivot is the owner's own transition to completed: it waits for all that it names.
public struct RouteOwner<
    Pivot: Sendable, Completed: SagaEvent, Cancelled: ReasonEvent, Requested: ReasonEvent
>: Sendable {
    package let content: RouteEnds
    let read: @Sendable (JoinedPayloads) throws(SagaError) -> Pivot

    /// Names the ends of a route.
    ///
    /// - Parameters:
    ///   - name: who begins its sagas.
    ///   - first: the event with which a saga begins.
    ///   - completed: the event that says that it goes through.
    ///   - triggers: what the pivot waits for; all of them if there are several. `Optional` of an
    ///     event whose leg is not always needed.
    ///   - cancelled: the event that says that everything is undone.
    ///   - request: the event by which a client, or the deadline, asks all to undo.
    public init<Begins: SagaEvent, each Event: LegTrigger>(
        _ name: String, begins first: Begins.Type, completes completed: Completed.Type,
        on triggers: repeat (each Event).Type, cancelled: Cancelled.Type,
        request: Requested.Type
    ) where Pivot == (repeat each Event) {
        var awaited: [AwaitedEvent] = []
        repeat awaited.append((each triggers).awaited)
        content = RouteEnds(
            owner: name, begins: EventKind(first), pivot: awaited.map(\.kind),
            mayLack: AwaitedEvent.lacking(awaited), completed: EventKind(completed),
            cancelled: EventKind(cancelled), request: EventKind(request),
            events: [first, completed, request, cancelled])
        read = { payloads throws(SagaError) in
            var reader = JoinedPayloadReader(payloads)
            return try reader.readAll()
        }
    }
}
