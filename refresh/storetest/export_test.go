package storetest

// Patience is how long is waited for what must happen.
var Patience = &patience
