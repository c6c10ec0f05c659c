"""The models of language_models.py: arguments of `build_generator` and `LanguageModelSettings`, and what is known.

Each preset has `what`; `order` of an n-gram model, or `network` and `training`; `published`, a test perplexity and its
source. `limit` is the perplexity that is asked for, or the name of the row that has to be reached, `goal` more than
that, `limit_hours` and `goal_hours` how long they may take. `gpu_hours` is an estimate for a GPU, from the
multiplications of a run at one (textbook) or three (AWD) TFLOP per second; it was not measured.
"""

# Of every row: the best epoch is kept, and the state goes on to the end of the text, as in the papers.
PLATEAU = {"batch_size": 20, "sequence_length": 35, "schedule": "plateau", "warmup": 0.0, "patience": None,
           "reset_states": 0.0}  # fmt: skip
# Gradient descent as Zaremba has it: his loss is a sum over the steps of a row, so that his rate of 1 and limit of 5
# are about 20 and 0.25 for a mean over tokens.
DESCENT = {**PLATEAU, "optimizer": "sgd", "learning_rate": 20.0, "clip_norm": 0.25, "schedule": "cosine"}
COSINE = {**PLATEAU, "schedule": "cosine", "warmup": 0.05}
PRESETS = {
    "kneser_ney_3": {
        "what": "3-gram, modified Kneser-Ney", "order": 3, "published": [148.3, "Mikolov 2012"],
    },
    "kneser_ney_5": {
        "what": "5-gram, modified Kneser-Ney", "order": 5, "published": [141.2, "Mikolov 2012"],
    },
    "nplm": {
        # Direct connections would make the softmax five times as wide.
        "what": "neural probabilistic language model, window of 4, 200 units, tied",
        "network": {"cell": "nplm", "units": 200, "window": 4, "tie": True, "dropout": 0.1},
        "training": {**COSINE, "epochs": 10, "learning_rate": 2e-3},
        "limit": "kneser_ney_3",
    },
    "lstm_200": {
        # 13 epochs may be taken; with slower rates it knew the text by heart after seven.
        "what": "LSTM 2 × 200, no regularisation, 9 epochs",
        "network": {"cell": "lstm", "units": 200, "num_layers": 2, "tie": False},
        "training": {**DESCENT, "epochs": 9, "sequence_length": 20},
        "published": [114.5, "Zaremba et al. 2014, small"], "limit": 115.0,
    },
    "lstm_200_tied": {
        "what": "LSTM 2 × 200, tied, variational dropout",
        "network": {"cell": "lstm", "units": 200, "num_layers": 2, "tie": True, "variational": True,
                    "dropout": 0.25},
        "training": {**DESCENT, "epochs": 16, "sequence_length": 20},
        "limit": 100.0, "limit_hours": 1.0, "goal": 92.0, "goal_hours": 2.0,
    },
    "transformer_200": {
        "what": "Transformer 2 × 200, 4 heads, tied",
        "network": {"cell": "transformer", "units": 200, "num_layers": 2, "num_heads": 4, "tie": True, "context": 70,
                    "dropout": 0.2},
        "training": {**COSINE, "epochs": 10, "learning_rate": 2e-3, "sequence_length": 70},
    },
    "textbook_650": {
        "what": "LSTM 2 × 650, tied, dropout 0.5 (BetterRnnlm)",
        "network": {"cell": "lstm", "units": 650, "num_layers": 2, "tie": True, "dropout": 0.5},
        "training": {**DESCENT, "schedule": "plateau", "epochs": 40},
        "published": [75.8, "Saito, Deep Learning from Scratch 2"], "gpu_hours": 1,
    },
    # Merity's last layer has 400 units; here it has 1150 and a projection. One rate stands for his three dropouts.
    "awd_lstm": {
        "what": "AWD-LSTM 3 × 1150, vectors of 400, weight-drop",
        "network": {"cell": "lstm", "units": 1150, "num_layers": 3, "embedding_dim": 400, "tie": True,
                    "variational": True, "dropout": 0.4, "embedding_dropout": 0.1, "weight_drop": 0.5},
        "training": {**DESCENT, "optimizer": "averaged_sgd", "schedule": "constant", "epochs": 500,
                     "sequence_length": 70, "learning_rate": 30.0, "weight_decay": 1.2e-6},
        "published": [58.8, "Merity et al. 2018, without fine-tuning"], "gpu_hours": 8,
    },
}  # fmt: skip
# What `--quick` changes, to see that every row works.
QUICK_NETWORK = {"units": 8, "embedding_dim": 8, "num_heads": 2}
